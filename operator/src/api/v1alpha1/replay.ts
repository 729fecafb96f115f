import { z } from 'zod'
import { workerNames } from './names.ts'
import { finalPhases, oneShotParser, oneShotStatus, systemSchema, type OneShot } from './one-shot.ts'
import { checked, described, duration, timestamp, withRules, type Check } from './schema/field.ts'
import { topicAliases, type TopicAlias } from './schema/kafka.ts'
import { bySchema, reasonSchema } from './schema/temporary.ts'

/** Kind of the resource: one replay of events to one worker. */
export const replayKind = 'Replay'
/** Plural, as in URLs and RBAC rules. */
export const replayPlural = 'replays'

/** Longest name of a Replay: `<name>-replay` names a Job, whose pods carry it as a label. */
export const maxReplayName = 54

/** Workers that consume events, and the topics each takes; desired/replay.ts holds it against the Subscriptions. */
export const replayedTopics = {
  audit: ['taskEvents', 'taskReminders'],
  notification: ['taskEvents'],
  'recurring-task': ['taskEvents'],
} as const satisfies Readonly<Record<string, readonly TopicAlias[]>>
/** A worker that events can be replayed to. */
export type ReplayedWorker = keyof typeof replayedTopics

const workers = [workerNames.audit, workerNames.notification, workerNames.recurringTask] as const

/** Where events are taken from. */
export const replaySources = ['Topic', 'DeadLetters', 'AuditGaps'] as const

const strings = (description: string, one: string, max: number) =>
  described(
    z
      .array(described(z.string().min(1).max(255), one))
      .min(1)
      .max(max),
    description,
  ).meta({
    'x-kubernetes-list-type': 'set',
  })

const offset = (description: string) => described(z.int().min(0), description)

/** Part of a select that names a place in one partition. */
interface Place {
  readonly partitions?: readonly number[] | undefined
  readonly fromOffset?: number | undefined
  readonly toOffset?: number | undefined
}

const selectSchema = checked(
  described(
    z.strictObject({
      partitions: described(
        z
          .array(described(z.int().min(0), 'Number of a partition.'))
          .min(1)
          .max(256),
        'Partitions; all when absent.',
      )
        .meta({ 'x-kubernetes-list-type': 'set' })
        .optional(),
      fromOffset: offset('First offset. Needs exactly one partition.').optional(),
      toOffset: offset('The offset after the last. Needs exactly one partition.').optional(),
      fromTime: timestamp('Only events that Kafka stored then or later').optional(),
      toTime: timestamp('Only events that Kafka stored earlier').optional(),
      keys: strings('Only events with one of these keys; the key is the id of the user.', 'Key.', 256).optional(),
      types: strings('Only events of one of these types, such as com.todo.task.completed.', 'Type.', 32).optional(),
      eventIds: strings('Only these events.', 'Id of an event.', 256).optional(),
    }),
    'Which events; everything that is set must hold. All of the source when absent.',
  ),
  {
    rule: '!(has(self.fromOffset) || has(self.toOffset)) || (has(self.partitions) && size(self.partitions) == 1)',
    message: 'fromOffset and toOffset need exactly one partition in select.partitions',
    path: ['partitions'],
    holds: ({ fromOffset, toOffset, partitions }: Place) =>
      (fromOffset === undefined && toOffset === undefined) || partitions?.length === 1,
  },
  {
    rule: '!has(self.fromOffset) || !has(self.toOffset) || self.fromOffset < self.toOffset',
    message: 'fromOffset must be less than toOffset',
    path: ['fromOffset'],
    holds: ({ fromOffset, toOffset }: Place) =>
      fromOffset === undefined || toOffset === undefined || fromOffset < toOffset,
  },
  {
    rule: '!has(self.fromTime) || !has(self.toTime) || timestamp(self.fromTime) < timestamp(self.toTime)',
    message: 'fromTime must be before toTime',
    path: ['fromTime'],
    holds: ({ fromTime, toTime }: { fromTime?: string | undefined; toTime?: string | undefined }) =>
      fromTime === undefined || toTime === undefined || Date.parse(fromTime) < Date.parse(toTime),
  },
)

/** What rules over the whole spec look at. */
interface Asked {
  readonly worker: ReplayedWorker
  readonly source: (typeof replaySources)[number]
  readonly topic?: TopicAlias | undefined
  readonly force: boolean
}

const rules: readonly Check<Asked>[] = [
  {
    rule: "(self.source == 'AuditGaps') != has(self.topic)",
    message: 'topic is needed for the sources Topic and DeadLetters, and AuditGaps looks at every topic of audit',
    path: ['topic'],
    holds: ({ source, topic }) => (source === 'AuditGaps') !== (topic !== undefined),
  },
  {
    rule: "self.source != 'AuditGaps' || self.worker == 'audit'",
    message: 'source AuditGaps is for worker audit',
    path: ['worker'],
    holds: ({ source, worker }) => source !== 'AuditGaps' || worker === 'audit',
  },
  {
    rule: "!has(self.topic) || self.topic == 'taskEvents' || (self.topic == 'taskReminders' && self.worker == 'audit')",
    message: 'the worker takes no events of this topic: taskEvents go to every worker, taskReminders to audit only',
    path: ['topic'],
    holds: ({ topic, worker }) =>
      topic === undefined || (replayedTopics[worker] as readonly TopicAlias[]).includes(topic),
  },
  {
    rule: "!self.force || self.worker != 'audit'",
    message: 'force has no meaning for audit: its trail is append-only and an event has one entry',
    path: ['force'],
    holds: ({ force, worker }) => !force || worker !== 'audit',
  },
]

/** Fields that may not change; those without a default need a look whether they are there. */
const fixed = ['system', 'worker', 'source', 'dryRun', 'force', 'sideEffects', 'rate', 'deadline']
const fixedIfPresent = ['topic', 'select', 'reason', 'by']
const unchanged = [
  ...fixed.map((field) => `self.${field} == oldSelf.${field}`),
  ...fixedIfPresent.map(
    (field) =>
      `has(self.${field}) == has(oldSelf.${field}) && (!has(self.${field}) || self.${field} == oldSelf.${field})`,
  ),
].join(' && ')

/** The whole spec of a Replay. */
export const replaySpecSchema = withRules(
  checked(
    described(
      z.strictObject({
        system: systemSchema,
        worker: described(z.enum(workers), 'Worker that gets the events. Others are not touched.'),
        source: described(
          z.enum(replaySources).default('Topic'),
          'Topic: the log of a topic. DeadLetters: its dead-letter queue, from which nothing is removed. AuditGaps: the events of all topics of audit that have no entry in the audit trail, from Kafka or, where Kafka does not keep them any more, from the backups.',
        ),
        topic: described(z.enum(topicAliases), 'Alias of the topic; not for AuditGaps.').optional(),
        select: selectSchema.optional(),
        dryRun: described(z.boolean().default(false), 'Only counts; nothing is delivered. Do this first.'),
        force: described(
          z.boolean().default(false),
          'Events that the worker has handled before take effect again, once. Without it they are passed over.',
        ),
        sideEffects: described(
          z.enum(['Muted', 'Allowed']).default('Muted'),
          'Muted: no reminder fires whose time has passed, neither from these events nor from what follows from them. Allowed: as if the events were new.',
        ),
        rate: described(z.int().min(1).max(10_000).default(50), 'Most deliveries per second.'),
        deadline: duration('How long it may take, waiting and pauses included, before it counts as failed', {
          min: 30_000,
          max: 7 * 86_400_000,
        }).default('1h'),
        paused: described(
          z.boolean().default(false),
          'true: stops delivering; false: goes on. May be changed at any time.',
        ),
        aborted: described(z.boolean().default(false), 'true: ends it for good. What was delivered stays delivered.'),
        reason: reasonSchema.optional(),
        by: bySchema.optional(),
      }),
      'What is replayed to whom. Cannot be changed but for paused and aborted: make another Replay.',
    ),
    ...rules,
  ),
  {
    rule: unchanged,
    message: 'the spec of a Replay cannot be changed but for paused and aborted; create another Replay',
  },
  {
    rule: '!oldSelf.aborted || self.aborted',
    message: 'a Replay that was aborted cannot go on; create another Replay',
  },
)

/** Phases; the last four are final. */
export const replayPhases = ['Pending', 'Running', 'Paused', ...finalPhases, 'Aborted'] as const
/** One of {@link replayPhases}. */
export type ReplayPhase = (typeof replayPhases)[number]

const count = (description: string) => described(z.int(), description)

/** Observed state of a Replay; written by the operator only. */
export const replayStatusSchema = described(
  z.object({
    ...oneShotStatus(
      replayPhases,
      'Succeeded: everything that matched was delivered, or the worker had it. PartiallySucceeded: failures or missing say what was not. Failed: nothing was delivered, or it did not come to its end. Aborted: by spec.aborted.',
    ),
    progress: described(
      z.object({ percent: described(z.int().min(0).max(100), 'Share of the records that were looked at, 0 to 100.') }),
      'How far it is, while it runs.',
    ).optional(),
    counts: described(
      z.object({
        read: count('Records looked at.'),
        matched: count('Events that were asked for.'),
        delivered: count('Took effect in the worker through this Replay.'),
        duplicates: count('The worker had them before; nothing happened.'),
        ignored: count('The worker takes no events of this kind.'),
        failed: count('The worker did not take them; failures says why.'),
        redelivered: count('Of the matched ones, those that an earlier Replay had delivered to this worker.'),
      }),
      'What became of the events. In a dry run, matched less duplicates is what would be delivered.',
    ).optional(),
    types: described(
      z
        .array(
          z.object({ type: described(z.string().max(255), 'Type of event.'), matched: count('How many matched.') }),
        )
        .max(16),
      'What matched, by type of event.',
    ).optional(),
    failures: described(
      z
        .array(
          z.object({
            where: described(z.string().max(400), 'topic/partition@offset'),
            eventId: described(z.string().max(255), 'Id of the event.').optional(),
            reason: described(z.string().max(1024), 'What the worker said.'),
          }),
        )
        .max(10),
      'The first events that failed; the log of the Job has all of them.',
    ).optional(),
    missing: described(
      z
        .array(
          z.object({
            what: described(z.string().max(256), 'What could not be looked at.'),
            why: described(z.string().max(1024), 'Why.'),
          }),
        )
        .max(16),
      'What could not be looked at.',
    ).optional(),
    gaps: described(
      z.object({
        numbers: count(
          'Numbers that the audit trail lacks. They stay empty: what was found is recorded under new numbers.',
        ),
        ranges: described(
          z.array(z.object({ from: count('First number.'), to: count('Last number.') })).max(16),
          'The first of them.',
        ),
        unexplained: count('Numbers for which neither this Replay nor an earlier one found an event.'),
      }),
      'Gaps in the numbers of the audit trail; source AuditGaps only.',
    ).optional(),
  }),
  'Observed state.',
)

/** Spec of a Replay as the API server stores it. */
export type ReplaySpec = z.output<typeof replaySpecSchema>
/** Status of a Replay. */
export type ReplayStatus = z.output<typeof replayStatusSchema>
/** One replay. */
export type Replay = OneShot<ReplaySpec, ReplayStatus>

/** Reads a Replay as the API server returns it. */
export const parseReplay = oneShotParser<typeof replaySpecSchema, ReplayStatus>(replaySpecSchema)

/** Whether nothing more will happen. */
export const isOver = (status: { readonly phase?: string | undefined } | undefined): boolean =>
  status?.phase === 'Aborted' || (finalPhases as readonly (string | undefined)[]).includes(status?.phase)
