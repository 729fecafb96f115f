/**
 * What a system does not need any more, and whether the clean-up may delete it. Pure.
 *
 * What counts as the system's own is narrow, because a mistake here deletes something of somebody else:
 *  - objects carry all of our labels, the name of the system among them, and are controlled by nobody: what the resource controls is pruned by the
 *    reconcile, what somebody else controls is theirs;
 *  - topics begin with the system's prefix, which must not be empty on a Kafka that is shared, and no other TodoChatbot uses them;
 *  - topics that events of ours were ever published to (task-events, …) are reported and never deleted: they hold data;
 *  - Secrets are reported and never deleted: they may be the last copy of a password.
 * Proof: leftovers.test.ts.
 */
import { label, manager } from '../../api/v1alpha1/labels.ts'
import { deadLetterSuffix, topicBases } from '../../api/v1alpha1/names.ts'
import type { Leftover } from '../../api/v1alpha1/schema/status.ts'
import { controllerOf, type KubeObject } from '../../kube/object.ts'
import { endedAt, hasFailed } from './failed-pods.ts'

/** Whether an object is one of the system's own that nobody controls. */
export function isAbandoned(object: KubeObject, system: string): boolean {
  const labels = object.metadata.labels ?? {}
  return (
    labels[label.managedBy] === manager &&
    labels[label.partOf] === 'todochatbot' &&
    labels[label.instance] === system &&
    controllerOf(object) === undefined &&
    object.metadata.deletionTimestamp === undefined
  )
}

/** Topics of ours that hold events, whatever the prefix. */
const dataTopics = new Set(Object.values(topicBases).flatMap((base) => [base, base + deadLetterSuffix]))

/** What is known of the topics of a Kafka. */
export interface TopicCensus {
  /** Every topic of the cluster. */
  readonly all: readonly string[]
  readonly prefix: string
  /** Nobody else uses this Kafka. */
  readonly own: boolean
  /** Topics that this or any other system uses. */
  readonly used: ReadonlySet<string>
  /** Prefixes of other systems: what begins with one of them, and a longer one than ours, is theirs. */
  readonly otherPrefixes: readonly string[]
}

/** Topics nobody uses, with whether the clean-up may delete them. */
export function unusedTopics({
  all,
  prefix,
  own,
  used,
  otherPrefixes,
}: TopicCensus): { name: string; holdsData: boolean }[] {
  if (prefix === '' && !own) return []
  const theirs = otherPrefixes.filter((other) => other.length > prefix.length && other.startsWith(prefix))
  return all
    .filter((name) => name.startsWith(prefix) && !name.startsWith('__') && !used.has(name))
    .filter((name) => !theirs.some((other) => name.startsWith(other)))
    .sort()
    .map((name) => ({ name, holdsData: [...dataTopics].some((base) => name.endsWith(base)) }))
}

/** Failed pods and finished Jobs that are old enough. `finished` and `failed` in ms; `now` since the epoch. */
export function agedOut(
  objects: { readonly pods: readonly KubeObject[]; readonly jobs: readonly KubeObject[] },
  ages: { readonly failedPods: number; readonly finishedJobs: number },
  now: number,
): KubeObject[] {
  const pods = objects.pods.filter((pod) => hasFailed(pod) && now - endedAt(pod) >= ages.failedPods)
  const jobs = objects.jobs.filter((job) => {
    const { conditions = [] } = (job['status'] ?? {}) as {
      conditions?: { type: string; status: string; lastTransitionTime?: string }[]
    }
    const end = conditions.find(({ type, status }) => ['Complete', 'Failed'].includes(type) && status === 'True')
    return end !== undefined && now - Date.parse(end.lastTransitionTime ?? '') >= ages.finishedJobs
  })
  return [...pods, ...jobs].filter(({ metadata }) => metadata.deletionTimestamp === undefined)
}

/** Whether an Incident is finished and ended before `time` (ms since the epoch). */
export function endedBefore(incident: KubeObject, time: number): boolean {
  const { finishedAt } = (incident['status'] ?? {}) as { finishedAt?: string }
  return finishedAt !== undefined && Date.parse(finishedAt) < time && incident.metadata.deletionTimestamp === undefined
}

/** Whether something was reported long enough ago to be deleted now. `interval` in ms. */
export function mayDelete(
  object: string,
  reported: readonly Leftover[] | undefined,
  interval: number,
  now: number,
): boolean {
  return (
    reported?.some(
      (known) => known.object === object && known.deletedBy === 'CleanUp' && now - Date.parse(known.since) >= interval,
    ) === true
  )
}
