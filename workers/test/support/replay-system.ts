import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import kafkajs from 'kafkajs'
import type { Admin, Kafka, Producer } from 'kafkajs'
import { startKafka } from '../../../hack/cluster/index.ts'
import { registerAudit } from '../../audit/app.ts'
import { replayConfigSchema } from '../../jobs/replay/config.ts'
import type { ReplayConfig, ReplayReport } from '../../jobs/replay/config.ts'
import { createDeliver } from '../../jobs/replay/deliver.ts'
import { createPacer } from '../../jobs/replay/pacer.ts'
import { runReplay } from '../../jobs/replay/run.ts'
import type { ReplayParts } from '../../jobs/replay/run.ts'
import { createTally } from '../../jobs/replay/tally.ts'
import { createAuthenticator } from '../../lib/auth.ts'
import type { CloudEvent } from '../../lib/cloud-event.ts'
import { commitGroupOffsets } from '../../lib/kafka/group-offsets.ts'
import { registerNotification } from '../../notification/app.ts'
import { notificationSettingsSchema } from '../../notification/config.ts'
import { registerRecurringTask } from '../../recurring-task/app.ts'
import { recurringTaskSettingsSchema } from '../../recurring-task/config.ts'
import { testLogger } from './migrated-database.ts'
import { startTaskSystem } from './task-system.ts'
import type { TaskSystem } from './task-system.ts'

/** Topics of the system, as the broker names them. */
export const topics = { taskEvents: 'task-events', taskReminders: 'task-reminders', deadLetters: 'task-events.dlq' }
const bases = { taskEvents: 'task-events', taskReminders: 'task-reminders' } as const

/** What a test says of a replay; the rest is as the operator would write it. */
export interface Asked extends Partial<Pick<ReplayConfig, 'source' | 'select' | 'dryRun' | 'force' | 'muted'>> {
  readonly worker: ReplayConfig['worker']
  /** uid; the same one again is the same Replay, carried on by another pod. */
  readonly id?: string
  readonly signal?: AbortSignal
  readonly topic?: keyof typeof bases
  readonly readOlder?: ReplayParts['readOlder']
  readonly onDelivered?: (count: number) => void
}

/** Kafka, PostgreSQL and the three workers that consume, each behind HTTP, with nobody delivering live events but the test. */
export interface ReplaySystem extends TaskSystem {
  readonly kafka: Kafka
  /** `host:port` of the broker. */
  readonly bootstrap: string
  /** What the broker knows of topics and groups. */
  readonly brokers: Admin
  readonly workers: Readonly<Record<ReplayConfig['worker'], FastifyInstance>>
  /** Appends events to a topic, keyed as the relay keys them; answers where the first one lies. */
  publish: (topic: string, events: readonly CloudEvent[]) => Promise<{ partition: number; offset: number }>
  /** Says that the worker's group has consumed everything that is there now. */
  consumed: (worker: ReplayConfig['worker']) => Promise<void>
  committed: (worker: ReplayConfig['worker']) => Promise<unknown>
  replay: (asked: Asked) => Promise<ReplayReport>
}

const groupOf = (worker: string): string => `team.todo-${worker}`

/** Starts everything. */
export async function startReplaySystem(): Promise<ReplaySystem> {
  const [system, broker] = await Promise.all([startTaskSystem(), startKafka()])
  const kafka = new kafkajs.Kafka({ brokers: [broker.brokers], logLevel: kafkajs.logLevel.NOTHING })
  const admin: Admin = kafka.admin()
  const producer: Producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner })
  await Promise.all([admin.connect(), producer.connect()])
  await admin.createTopics({
    topics: Object.values(topics).map((topic) => ({ topic, numPartitions: topic === topics.deadLetters ? 1 : 3 })),
    waitForLeaders: true,
  })
  const now = (): Date => new Date()
  const [audit, notification, recurring] = [await system.replica(), await system.replica(), await system.replica()]
  registerAudit(audit.server, {
    ...audit,
    authenticate: createAuthenticator({ jwtKey: Buffer.alloc(32, 7).toString('base64url') }),
    settings: { verifyBatchSize: 100 },
    slowQueryThreshold: 1_000,
    signal: new AbortController().signal,
    now,
  })
  registerNotification({
    ...notification,
    // Nothing fires but when a test says so.
    lifecycle: { background: () => undefined },
    service: 'todo-notification',
    settings: notificationSettingsSchema.parse({}),
    now,
  })
  registerRecurringTask({
    ...recurring,
    service: 'todo-recurring-task',
    settings: recurringTaskSettingsSchema.parse({}),
    now,
  })
  const workers = { audit: audit.server, notification: notification.server, 'recurring-task': recurring.server }
  const urls = Object.fromEntries(
    await Promise.all(
      Object.entries(workers).map(async ([name, server]) => [
        name,
        await server.listen({ port: 0, host: '127.0.0.1' }),
      ]),
    ),
  ) as Record<ReplayConfig['worker'], string>

  const configOf = ({ worker, id, source = 'Topic', topic = 'taskEvents', ...rest }: Asked): ReplayConfig => {
    const aliases = source === 'AuditGaps' ? (['taskEvents', 'taskReminders'] as const) : [topic]
    const suffix = source === 'DeadLetters' ? '.dlq' : ''
    return replayConfigSchema.parse({
      service: 'todo-replay',
      system: 'todo',
      namespace: 'team',
      version: '0.1.0',
      replay: { name: 'test', id: id ?? randomUUID() },
      worker,
      url: urls[worker],
      workerGroup: groupOf(worker),
      group: groupOf('replay'),
      source,
      topics: aliases.map((alias) => ({
        alias,
        topic: `${bases[alias]}${suffix}`,
        path: `/replay/${bases[alias]}`,
      })),
      select: rest.select,
      dryRun: rest.dryRun ?? false,
      force: rest.force ?? false,
      muted: rest.muted ?? true,
      rate: 5_000,
      kafka: { brokers: [broker.brokers] },
      secrets: { databaseUri: '-', appToken: '-' },
    })
  }

  return {
    ...system,
    kafka,
    bootstrap: broker.brokers,
    brokers: admin,
    workers,
    publish: async (topic, events) => {
      const [written] = await producer.send({
        topic,
        messages: events.map((event) => ({ key: event.partitionkey ?? null, value: JSON.stringify(event) })),
      })
      return { partition: written?.partition ?? -1, offset: Number(written?.baseOffset) }
    },
    consumed: async (worker) => {
      const ends = [topics.taskEvents, topics.taskReminders].map(async (topic) =>
        (await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => ({
          topic,
          partition,
          offset: Number(high),
        })),
      )
      await commitGroupOffsets({ kafka, admin }, groupOf(worker), (await Promise.all(ends)).flat())
    },
    committed: (worker) => admin.fetchOffsets({ groupId: groupOf(worker), topics: Object.values(topics) }),
    replay: async (asked) => {
      const config = configOf(asked)
      const deliver = createDeliver({
        url: config.url,
        appToken: '-',
        mark: { id: config.replay.id, force: config.force, muted: config.muted },
        patience: 5_000,
        attempts: 2,
      })
      let delivered = 0
      return runReplay({
        config,
        kafka,
        database: system.database,
        deliver: async (record, path, signal) => {
          const result = await deliver(record, path, signal)
          asked.onDelivered?.((delivered += 1))
          return result
        },
        pace: createPacer(config.rate, () => performance.now()),
        tally: createTally(),
        logger: testLogger,
        signal: asked.signal ?? new AbortController().signal,
        onTotal: () => undefined,
        readOlder: asked.readOlder,
      })
    },
    stop: async () => {
      await Promise.all([admin.disconnect(), producer.disconnect()])
      await system.stop()
      await broker.stop()
    },
  }
}
