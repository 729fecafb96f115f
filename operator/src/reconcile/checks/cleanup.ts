/**
 * Finds what a system does not need any more and, where the policy says so, deletes it: failed pods, finished Jobs, unused topics, abandoned
 * ConfigMaps, old Events. Level-based and without a memory of its own: what may be deleted is decided from status.leftovers, so that nothing goes
 * that was not reported an interval before, whoever was killed in between. Deletions carry the uid, so that a namesake made meanwhile lives.
 * Runs in the rounds of the checks; deletes nothing while the system is paused.
 * Proof: leftovers.test.ts, cleanup.test.ts, hack/e2e/24-checks.e2e.test.ts.
 */
import { parseDuration } from '../../api/v1alpha1/durations.ts'
import { names } from '../../api/v1alpha1/names.ts'
import type { Leftover } from '../../api/v1alpha1/schema/status.ts'
import { referencedSecrets } from '../../desired/secret-references.ts'
import type { KafkaConnection } from '../../apply/kafka-connection.ts'
import type { KubeClient } from '../../kube/client.ts'
import { kindOf } from '../../kube/kinds.ts'
import { hasReason } from '../../kube/kube-error.ts'
import { controllerOf, type KubeObject } from '../../kube/object.ts'
import { timestamp } from '../todochatbot/status/operation.ts'
import type { CheckFamily, CheckSubject, Findings, Outcome } from './check.ts'
import { found, passed } from './check.ts'
import { judgeFailedPods } from './failed-pods.ts'
import { count, some } from './figures.ts'
import { agedOut, endedBefore, isAbandoned, mayDelete, unusedTopics, type TopicCensus } from './leftovers.ts'

/** Where the clean-up looks and what it may do. */
export interface CleanupTools {
  readonly client: Pick<KubeClient, 'delete'>
  /** Objects with our labels in a namespace, from the informers. */
  readonly objects: (kind: 'Pod' | 'Job' | 'ConfigMap' | 'Incident', namespace: string) => readonly KubeObject[]
  /** Whether a Secret exists that was a system's; asks now and then. @param owner `namespace/name` of the system */
  readonly secretExists: (
    owner: string,
    ref: { readonly namespace: string; readonly name: string },
    signal: AbortSignal,
  ) => Promise<boolean>
  /** Undefined: Kafka could not be asked. */
  readonly topics: (subject: CheckSubject, signal: AbortSignal) => Promise<TopicCensus | undefined>
  readonly removeTopics: (
    connection: KafkaConnection,
    names: readonly string[],
    signal: AbortSignal,
  ) => Promise<unknown>
  /** Deletes old Events of the system; resolves to how many. `maxAge` in ms. */
  readonly deleteEvents: (subject: CheckSubject, maxAge: number, signal: AbortSignal) => Promise<number>
  /** Told what was deleted, as Kind/name. */
  readonly onDeleted: (subject: CheckSubject, objects: readonly string[]) => void
}

interface Candidate {
  readonly leftover: Leftover
  readonly remove?: () => Promise<unknown>
}

const idOf = ({ kind, metadata }: KubeObject): string => `${kind}/${metadata.name}`

/** The family. */
export const cleanup = (tools: CleanupTools): CheckFamily => ({
  names: ['failed-pods', 'leftover-topics', 'leftover-objects'],
  check: async (subject, signal): Promise<Findings> => {
    const { seen } = subject.observed
    const { metadata, spec, status } = seen.bot
    const { cleanup: policy, checks } = spec.maintenance
    const mine = (kind: 'Pod' | 'Job' | 'ConfigMap'): readonly KubeObject[] =>
      tools
        .objects(kind, metadata.namespace)
        .filter((object) => object.metadata.labels?.['app.kubernetes.io/instance'] === metadata.name)
    const desired = new Set(subject.desired.map(({ object }) => idOf(object)))
    const pods = mine('Pod')
    const aged = agedOut(
      { pods, jobs: mine('Job').filter((job) => !desired.has(idOf(job))) },
      { failedPods: parseDuration(policy.failedPods), finishedJobs: parseDuration(policy.finishedJobs) },
      seen.now,
    )
    const incidents = tools
      .objects('Incident', metadata.namespace)
      .filter(
        (incident) =>
          controllerOf(incident)?.uid === metadata.uid &&
          endedBefore(incident, seen.now - parseDuration(policy.incidents)),
      )
    const abandoned = mine('ConfigMap').filter(
      (object) => isAbandoned(object, metadata.name) && !desired.has(idOf(object)),
    )
    const secrets = policy.orphanObjects === 'Ignore' ? [] : await unusedSecrets(tools, subject, signal)
    const census = policy.orphanTopics === 'Ignore' ? undefined : await tools.topics(subject, signal)
    const topics = census === undefined ? [] : unusedTopics(census)
    const objects = policy.orphanObjects === 'Ignore' ? [] : abandoned
    const candidates: Candidate[] = [
      ...[...aged, ...incidents].map((object) => candidate(idOf(object), true, () => remove(tools, object, signal))),
      ...objects.map((object) =>
        candidate(idOf(object), policy.orphanObjects === 'Delete', () => remove(tools, object, signal)),
      ),
      ...secrets.map((name) => candidate(`Secret/${name}`, false)),
      ...topics.map(({ name, holdsData }) =>
        candidate(`Topic/${name}`, policy.orphanTopics === 'Delete' && !holdsData, async () => {
          if (seen.connection !== undefined) await tools.removeTopics(seen.connection, [name], signal)
        }),
      ),
    ]
    function candidate(object: string, deletes: boolean, work?: () => Promise<unknown>): Candidate {
      const leftover: Leftover = { object, since: timestamp(seen.now), deletedBy: deletes ? 'CleanUp' : 'Nobody' }
      return work === undefined ? { leftover } : { leftover, remove: work }
    }
    const deleted = new Set<string>()
    for (const { leftover, remove: carryOut } of candidates) {
      const ripe = mayDelete(leftover.object, status?.leftovers, parseDuration(checks.interval), seen.now)
      if (seen.paused || leftover.deletedBy === 'Nobody' || carryOut === undefined || !ripe) continue
      await carryOut()
      deleted.add(leftover.object)
    }
    if (deleted.size > 0) tools.onDeleted(subject, [...deleted])
    if (!seen.paused) await tools.deleteEvents(subject, parseDuration(policy.events), signal)
    const left = candidates.filter(({ leftover }) => !deleted.has(leftover.object)).map(({ leftover }) => leftover)
    return {
      outcomes: [
        judgeFailedPods(pods.filter((pod) => !deleted.has(idOf(pod)))),
        judgeTopics(left, census, policy.orphanTopics === 'Ignore'),
        judgeObjects(left),
      ],
      leftovers: left,
    }
  },
})

function judgeTopics(left: readonly Leftover[], census: TopicCensus | undefined, ignored: boolean): Outcome {
  const name = 'leftover-topics'
  if (ignored) return passed(name, 'not looked for')
  if (census === undefined) return found(name, 'Unknown', 'the brokers could not be asked')
  return judgeLeft(name, left, ['Topic/'], 'topic')
}

const judgeObjects = (left: readonly Leftover[]): Outcome =>
  judgeLeft('leftover-objects', left, ['ConfigMap/', 'Secret/', 'Job/', 'Incident/'], 'object')

function judgeLeft(name: Outcome['name'], left: readonly Leftover[], kinds: readonly string[], one: string): Outcome {
  const mine = left.filter(({ object }) => kinds.some((kind) => object.startsWith(kind)))
  const figure = count(mine.length, one)
  if (mine.length === 0) return passed(name, figure)
  return found(name, 'Warning', some(mine.map(({ object }) => `${object} is not used any more`)), figure)
}

async function unusedSecrets(
  tools: CleanupTools,
  { key, observed: { seen } }: CheckSubject,
  signal: AbortSignal,
): Promise<string[]> {
  const { name: system, namespace } = seen.bot.metadata
  const used = new Set(referencedSecrets(seen.bot).map(({ name }) => name))
  const generated = [names.databaseSecret(system), names.redisSecret(system)].filter((name) => !used.has(name))
  const there = await Promise.all(generated.map((name) => tools.secretExists(key, { namespace, name }, signal)))
  return generated.filter((_name, index) => there[index])
}

async function remove(
  { client }: Pick<CleanupTools, 'client'>,
  object: KubeObject,
  signal: AbortSignal,
): Promise<void> {
  try {
    await client.delete(kindOf(object), object.metadata, { uid: object.metadata.uid, signal })
  } catch (error) {
    // The uid no longer fits: what has the name now is another object.
    if (!hasReason(error, 'Conflict')) throw error
  }
}
