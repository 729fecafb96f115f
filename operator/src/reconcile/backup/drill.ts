/**
 * Drills of a system: on the schedule of spec.backup.drill a Restore with mode Drill of the newest usable Backup. It is named after its time and
 * belongs to its system; what it does is the business of reconcile/restore. None is made while any Restore of the system is unfinished, or
 * before there is a backup: the time is made up for afterwards. Of those that have ended the newest few stay to be looked at.
 * Proof: drill.test.ts, operator/test/drill.integration.test.ts.
 */
import type { Backup } from '../../api/v1alpha1/backup.ts'
import type { KubeObject } from '../../api/v1alpha1/kubernetes.ts'
import { label, manager } from '../../api/v1alpha1/labels.ts'
import { isFinished } from '../../api/v1alpha1/one-shot.ts'
import { restoreKind, type Restore } from '../../api/v1alpha1/restore.ts'
import { apiVersion, type TodoChatbot } from '../../api/v1alpha1/todochatbot.ts'
import { ownerReference } from '../../desired/object.ts'
import { kinds } from '../../kube/kinds.ts'
import { hasReason, isNotFound } from '../../kube/kube-error.ts'
import type { Seen } from '../todochatbot/observe.ts'
import { followSchedule, type Followed, type FollowTools } from './follow.ts'
import { scheduledName } from './schedule.ts'
import { newestUsable } from './section.ts'

/** Scheduled drills that have ended and stay, beside the newest that succeeded. */
export const keptDrills = 3

/** What is looked at: everything of one system. */
export interface DrillInput {
  readonly seen: Pick<Seen, 'bot' | 'resolved' | 'now'>
  readonly backups: readonly Backup[]
  readonly restores: readonly Restore[]
}

/** Makes the drill that is due and removes old ones. */
export async function keepDrills(
  tools: FollowTools,
  { seen: { bot, resolved, now }, backups, restores }: DrillInput,
  signal: AbortSignal,
): Promise<Followed> {
  await removeDrills(tools, endedDrills(restores), signal)
  const { drill } = resolved.spec.backup
  if (drill === undefined) return {}
  const noted = bot.status?.backup?.drill?.scheduledAt
  const backup = newestUsable(backups)
  return followSchedule(
    tools,
    {
      field: 'spec.backup.drill',
      policy: { ...drill, immediate: false },
      answered: noted === undefined ? undefined : Date.parse(noted),
      busy: backup === undefined || restores.some(({ status }) => !isFinished(status)),
      now,
    },
    (time) => scheduledDrill(bot, time, backup?.metadata.name ?? ''),
    signal,
  )
}

/** The Restore of a time of the schedule. */
export const scheduledDrill = (bot: TodoChatbot, time: number, backup: string): KubeObject => {
  const { name, namespace } = bot.metadata
  return {
    apiVersion,
    kind: restoreKind,
    metadata: {
      name: scheduledName(`${name}-drill`, time),
      namespace,
      labels: { [label.instance]: name, [label.managedBy]: manager },
      ownerReferences: [ownerReference(bot)],
    },
    spec: { system: name, mode: 'Drill', trigger: 'Schedule', source: { backup } },
  }
}

/** Scheduled drills that have ended and go: all but the newest few and the newest that succeeded. */
export function endedDrills(restores: readonly Restore[]): readonly Restore[] {
  const ended = restores
    .filter(({ spec, status }) => spec.trigger === 'Schedule' && spec.mode === 'Drill' && isFinished(status))
    .toSorted((a, b) => endOf(b).localeCompare(endOf(a)) || b.metadata.name.localeCompare(a.metadata.name))
  const proof = ended.find(({ status }) => status?.phase === 'Succeeded')
  return ended.slice(keptDrills).filter((one) => one !== proof && one.metadata.deletionTimestamp === undefined)
}

const endOf = ({ status }: Restore): string => status?.finishedAt ?? ''

async function removeDrills({ client }: FollowTools, drills: readonly Restore[], signal: AbortSignal): Promise<void> {
  for (const { metadata } of drills) {
    const options = { uid: metadata.uid, propagationPolicy: 'Background' as const, signal }
    await client.delete(kinds[restoreKind], metadata, options).catch((error: unknown) => {
      if (!isNotFound(error) && !hasReason(error, 'Conflict')) throw error
    })
  }
}
