/**
 * The number of pods where it meets the API server: what the Deployments say now, giving the field up without a jump, and telling who set a
 * number that is put back. Decisions are in desired/replicas.ts.
 */
import { annotation, label, manager } from '../../api/v1alpha1/labels.ts'
import { names, workerNames } from '../../api/v1alpha1/names.ts'
import { topicAliases } from '../../api/v1alpha1/schema/kafka.ts'
import { workerFields, type WorkerField } from '../../api/v1alpha1/schema/services.ts'
import type { TodoChatbot } from '../../api/v1alpha1/todochatbot.ts'
import { otherManagers } from '../../apply/field-managers.ts'
import type { TopicReport } from '../../apply/topic-keeper.ts'
import { oncePer } from '../../desired/once-per.ts'
import { decideReplicas, revertedNumber, type ReplicasDecision } from '../../desired/replicas.ts'
import { topicName } from '../../desired/topics.ts'
import type { LiveScale, ScaleFacts } from '../../desired/types.ts'
import type { KubeClient } from '../../kube/client.ts'
import { kinds } from '../../kube/kinds.ts'
import { isNotFound } from '../../kube/kube-error.ts'
import type { KubeObject } from '../../kube/object.ts'
import type { EventInput } from '../../runtime/events.ts'
import type { EventReason } from './events.ts'
import type { Gates } from './gates.ts'
import type { Informers } from './informers.ts'
import type { Seen } from './observe.ts'

/** Field manager that owns `spec.replicas` between us and an autoscaler. */
export const scaleManager = `${manager}-scale`

/** What the decisions depend on beside the resource. */
export function scaleFacts(informers: Informers, bot: TodoChatbot, topics: TopicReport | undefined): ScaleFacts {
  const { name: system, namespace } = bot.metadata
  const live = workerFields.flatMap((field) => {
    const scale = liveScale(informers, { namespace, name: names.worker(system, workerNames[field]) })
    return scale === undefined ? [] : [[field, scale] as const]
  })
  const partitions = topicAliases.flatMap((alias) => {
    const count = topics?.topics.get(topicName(bot, alias))?.partitions ?? 0
    return count === 0 ? [] : [[alias, count] as const]
  })
  return {
    live: Object.fromEntries(live),
    partitions: Object.fromEntries(partitions),
    keda: informers.ScaledObject.synced,
  }
}

/** Replicas of a Deployment, and what our last apply asked for. */
export function liveScale(
  { Deployment }: Pick<Informers, 'Deployment'>,
  ref: { readonly namespace: string; readonly name: string },
): LiveScale | undefined {
  const live = Deployment.get(ref)
  return live === undefined ? undefined : scaleOf(live, Deployment)
}

/** Once for each version of a Deployment: every look asks for it several times, and informers hold it packed. */
const scaleOf = oncePer((live: KubeObject, { whole }: Pick<Informers['Deployment'], 'whole'>): LiveScale => {
  const { replicas = 1 } = (whole(live)['spec'] ?? {}) as { replicas?: number }
  const asked = live.metadata.annotations?.[annotation.replicas]
  return { replicas, ...(asked === undefined ? {} : { asked }) }
})

/** What this module needs. */
export interface ReplicasTools {
  readonly client: KubeClient
  readonly informers: Informers
  readonly record: (resource: KubeObject, event: EventInput<EventReason>) => void
}

/**
 * Before anything is applied: lets a second field manager own the present number wherever the field is about to be left out, and finds out who
 * set a number that is about to be put back. Both are rare, so both may ask the API server. Returns what to do once everything is applied.
 */
export async function prepareReplicas(
  tools: ReplicasTools,
  seen: Seen,
  { gates, skip }: { readonly gates: Gates; readonly skip: ReadonlySet<string> },
  signal: AbortSignal,
): Promise<() => void> {
  const { name: system, namespace } = seen.bot.metadata
  const notes: string[] = []
  for (const field of workerFields) {
    if (!gates.open.has(field === 'chatApi' ? 'ChatApi' : 'Consumers')) continue
    const name = names.worker(system, workerNames[field])
    // What is not written in this round must not give the field up either.
    if (skip.has(`Deployment/${name}`)) continue
    const decision = decideReplicas({ bot: seen.resolved, facts: seen.facts }, field)
    const found = revertedNumber(decision, seen.facts.scale.live[field])
    if (found === undefined && decision.handOver === undefined) continue
    const deployment = tools.informers.Deployment.get({ namespace, name })
    if (deployment === undefined) continue
    if (found !== undefined) notes.push(await revertNote(tools, { deployment, field, decision, found }, signal))
    if (decision.handOver !== undefined) await handOver(tools, deployment, decision.handOver, signal)
  }
  return () => {
    for (const note of notes)
      tools.record(seen.resource, { type: 'Warning', reason: 'ReplicasReverted', action: 'Reconcile', note })
  }
}

async function handOver(
  { client, informers }: ReplicasTools,
  { apiVersion, kind, metadata }: KubeObject,
  replicas: number,
  signal: AbortSignal,
): Promise<void> {
  const { name, namespace = '', uid = '' } = metadata
  // With the uid: a Deployment that was deleted meanwhile is not made anew out of a number.
  const body = { apiVersion, kind, metadata: { name, namespace, uid }, spec: { replicas } }
  const { object } = await client.apply(body, { fieldManager: scaleManager, signal })
  informers.Deployment.observe(object)
}

interface Revert {
  readonly deployment: KubeObject
  readonly field: WorkerField
  readonly decision: ReplicasDecision
  readonly found: number
}

async function revertNote(
  { client }: ReplicasTools,
  { deployment, field, decision, found }: Revert,
  signal: AbortSignal,
): Promise<string> {
  const whole = await client.get(kinds.Deployment, deployment.metadata, { signal }).catch((error: unknown) => {
    if (isNotFound(error)) return undefined
    throw error
  })
  const who = whole === undefined ? [] : otherManagers(whole, manager, ['spec.replicas'])
  const kept = String(decision.handOver ?? decision.replicas)
  const worker = deployment.metadata.labels?.[label.name] ?? field
  return `${who[0] ?? 'Somebody'} scaled Deployment/${deployment.metadata.name} to ${found}; put back to ${kept}. Edit spec.services.${field}.replicas to scale ${worker}, or set manualScaling: Adopt there`
}
