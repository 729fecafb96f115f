/** Puts the parts of the TodoChatbot controller together: informers, background checks, and what wakes a reconcile. */
import { label } from '../../api/v1alpha1/labels.ts'
import { parseTodoChatbot } from '../../api/v1alpha1/parse.ts'
import type { TodoChatbot } from '../../api/v1alpha1/todochatbot.ts'
import { kind as todoChatbotKind } from '../../api/v1alpha1/todochatbot.ts'
import { controllerOf, keyOf, refOf, type KubeObject } from '../../kube/object.ts'
import type { Controller } from '../../runtime/controller.ts'
import type { Change } from '../../runtime/informer.ts'
import { daprKinds, kedaKinds, prunedKinds, type Informers } from './informers.ts'
import { priorityOf } from './priority.ts'
import type { Dependencies } from './reconcile.ts'

/** What waking needs of the reconciler's dependencies. */
type Wakeable = Pick<Dependencies, 'informers' | 'claims' | 'secrets'>

/**
 * Connects informers to the queue. Handlers only name who has to look; the first list wakes every system once, at low priority, one that is
 * new waits for those under way, and what the controller wrote itself wakes nobody.
 */
export function wakeOnChange({ informers, claims, secrets }: Wakeable, controller: Pick<Controller, 'enqueue'>): void {
  const wake = (keys: readonly string[]): void => {
    for (const key of keys) controller.enqueue(refOf(key))
  }

  informers.TodoChatbot.onChange((change) => {
    const { object, previous, type } = change
    const key = keyOf(object.metadata)
    const gone = type === 'delete' || (previous !== undefined && previous.metadata.uid !== object.metadata.uid)
    if (gone) secrets.forget(key)
    const bot = type === 'delete' ? undefined : botOf(object)
    wake(bot === undefined ? claims.remove(key) : claims.update(bot))
    if (!change.own) controller.enqueue(refOf(key), priorityOf(change))
  })

  const wakeOwner = (change: Change, owner: string | undefined): void => {
    // The first list of TodoChatbots wakes everybody already.
    if (owner !== undefined && !change.initial && !change.own)
      controller.enqueue({ ...change.object.metadata, name: owner })
  }
  for (const kind of prunedKinds) informers[kind].onChange((change) => wakeOwner(change, ownerNameOf(change.object)))
  // A policy of somebody else may let an isolated worker through.
  informers.NetworkPolicy.onChange(({ object, initial, own }) => {
    if (initial || own || controllerOf(object) !== undefined) return
    for (const { metadata } of informers.TodoChatbot.inNamespace(object.metadata.namespace ?? ''))
      controller.enqueue(metadata)
  })
  // A Backup or an Incident made by hand names its system in its spec only; a Restore that comes, moves on or goes may hold its workers away or
  // let them go; remediation and isolation wait for an Incident.
  for (const kind of ['Backup', 'Restore', 'Incident'] as const) {
    informers[kind].onChange((change) => {
      const { system } = (change.object['spec'] ?? {}) as { system?: string }
      wakeOwner(change, system)
    })
  }
  // Jobs that keep the destination of backups in order belong to their system without being controlled by it.
  informers.Job.onChange((change) => {
    const labels = change.object.metadata.labels ?? {}
    if (labels[label.backupTask] !== undefined) wakeOwner(change, labels[label.instance])
  })
  for (const kind of ['Pod', 'PersistentVolumeClaim'] as const) {
    informers[kind].onChange((change) => wakeOwner(change, change.object.metadata.labels?.[label.instance]))
  }
}

/** How long the start waits for the kinds of dapr.io, in ms: a cluster without Dapr has none of them. */
const daprPatience = 5_000

/** Resolves when reconciling can start: everything is synced, or only kinds of dapr.io are missing. */
export async function whenReady(informers: Informers, signal: AbortSignal): Promise<void> {
  const optional = new Set<string>([...daprKinds, ...kedaKinds])
  const entries = Object.entries(informers)
  await Promise.all(entries.filter(([kind]) => !optional.has(kind)).map(([, informer]) => informer.whenSynced(signal)))
  const patience = AbortSignal.any([signal, AbortSignal.timeout(daprPatience)])
  await Promise.all(daprKinds.map((kind) => informers[kind].whenSynced(patience))).catch((error: unknown) => {
    if (signal.aborted) throw error
  })
}

/** When Dapr is installed later, everybody has to look again. */
export async function wakeWhenDaprArrives(
  informers: Informers,
  controller: Pick<Controller, 'enqueue'>,
  signal: AbortSignal,
): Promise<void> {
  if (daprKinds.every((kind) => informers[kind].synced)) return
  await Promise.all(daprKinds.map((kind) => informers[kind].whenSynced(signal)))
  for (const { metadata } of informers.TodoChatbot.list()) controller.enqueue(metadata)
}

function botOf(object: KubeObject): TodoChatbot | undefined {
  const parsed = parseTodoChatbot(object)
  return parsed.ok ? parsed.bot : undefined
}

function ownerNameOf(object: KubeObject): string | undefined {
  const owner = controllerOf(object)
  return owner?.kind === todoChatbotKind ? owner.name : undefined
}
