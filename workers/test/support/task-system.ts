import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { Client } from 'pg'
import type { PostgresServer } from '../../../hack/cluster/index.ts'
import type { CloudEvent } from '../../lib/cloud-event.ts'
import type { Logger } from '../../lib/logger.ts'
import { createMetrics } from '../../lib/metrics.ts'
import type { Metrics } from '../../lib/metrics.ts'
import type { Database, Transaction } from '../../lib/postgres.ts'
import { createServer } from '../../lib/server.ts'
import { changeTask, insertTask } from '../../lib/task/store.ts'
import type { ChangeCause } from '../../lib/task/store.ts'
import type { TaskAction, TaskEventData } from '../../lib/task/event.ts'
import type { Task } from '../../lib/task/task.ts'
import { createTracing } from '../../lib/tracing.ts'
import type { Tracing } from '../../lib/tracing.ts'
import { openDatabase, startMigratedDatabase, testLogger as logger } from './migrated-database.ts'

/** An event of `task-events` as it would be published. */
export type TaskEvent = CloudEvent<TaskEventData>

/** One running copy of a worker: its own pool and HTTP server, like a pod of its own. */
export interface Replica {
  readonly database: Database
  readonly server: FastifyInstance
  readonly logger: Logger
  readonly metrics: Metrics
  readonly tracing: Tracing
}

/** A migrated database and the part of chat-api that writes tasks: what the consumers' tests build on. */
export interface TaskSystem {
  readonly postgres: PostgresServer
  /** As the workers' role. */
  readonly database: Database
  /** SQL as superuser: faults that no worker could cause. */
  admin(sql: string): Promise<void>
  replica(): Promise<Replica>
  addUser(): Promise<string>
  /** Stores a task and returns its CREATED event. */
  create(userId: string, fields?: Partial<Task>): Promise<TaskEvent>
  /** Changes it and returns the event of the change. */
  change(
    taskId: string,
    userId: string,
    action: Exclude<TaskAction, 'CREATED'>,
    change: (task: Task) => Task,
  ): Promise<TaskEvent>
  /** What is in the outbox for a user, in the order it was appended. */
  outbox<Data = TaskEventData>(userId: string, type?: string): Promise<CloudEvent<Data>[]>
  stop(): Promise<void>
}

/** Starts PostgreSQL with the schema in place. */
export async function startTaskSystem(): Promise<TaskSystem> {
  const migrated = await startMigratedDatabase()
  const { server: postgres, database } = migrated
  const adminUrl = Object.assign(new URL(postgres.superuserUrl), { pathname: '/todo' }).href
  const open: { close: () => Promise<unknown> }[] = []
  const outbox = async <Data>(userId: string, type?: string): Promise<CloudEvent<Data>[]> => {
    const { rows } = await database.query<{ payload: CloudEvent<Data> }>(
      'SELECT payload FROM outbox WHERE key = $1 AND ($2::text IS NULL OR type = $2) ORDER BY id',
      [userId, type ?? null],
    )
    return rows.map(({ payload }) => payload)
  }
  /** Read in the transaction that appended it: a relay takes it away right after. */
  const lastEvent = async (tx: Transaction, taskId: string): Promise<TaskEvent> => {
    const { rows } = await tx.query<{ payload: TaskEvent }>(
      `SELECT payload FROM outbox WHERE payload->>'subject' = $1 AND topic = 'taskEvents' ORDER BY id DESC LIMIT 1`,
      [taskId],
    )
    if (!rows[0]) throw new Error(`the change of task ${taskId} appended no event`)
    return rows[0].payload
  }
  const cause = (userId: string): ChangeCause => ({
    actor: { type: 'user', id: userId },
    correlationId: randomUUID(),
    producer: 'todo-chat-api',
    now: new Date().toISOString(),
  })

  return {
    postgres,
    database,
    outbox,
    admin: async (sql) => {
      const client = new Client({ connectionString: adminUrl })
      await client.connect()
      await client.query(sql).finally(() => client.end())
    },
    replica: async () => {
      const metrics = createMetrics({ service: 'test', version: '0' })
      const tracing = await createTracing({ service: 'test', version: '0', system: 'test', samplingRate: 0 })
      const server = createServer({ logger, metrics, tracing })
      const pool = openDatabase(postgres.url)
      open.push(pool, server)
      return { database: pool, server, logger, metrics, tracing }
    },
    addUser: async () => {
      const id = randomUUID()
      await database.query(
        `INSERT INTO users (id, email, password_hash, timezone, created_at) VALUES ($1, $2, 'none', 'UTC', now())`,
        [id, `${id}@example.org`],
      )
      return id
    },
    create: async (userId, fields = {}) => {
      const task = { ...newTask(userId), ...fields }
      return database.transaction(async (tx) => {
        await insertTask(tx, task, cause(userId))
        return lastEvent(tx, task.id)
      })
    },
    change: (taskId, userId, action, change) =>
      database.transaction(async (tx) => {
        await changeTask(tx, { userId, taskId }, action, change, cause(userId))
        return lastEvent(tx, taskId)
      }),
    stop: async () => {
      for (const part of open.reverse()) await part.close()
      await migrated.stop()
    },
  }
}

/** Delivers an event (or any text) as the sidecar does; resolves to the answer, SUCCESS, RETRY or DROP. */
export async function deliver(server: FastifyInstance, event: TaskEvent | string): Promise<string> {
  const response = await server.inject({
    method: 'POST',
    url: '/events/task-events',
    headers: { 'content-type': 'application/cloudevents+json' },
    payload: typeof event === 'string' ? event : JSON.stringify(event),
  })
  return response.json<{ status: string }>().status
}

function newTask(userId: string): Task {
  const now = new Date().toISOString()
  return {
    id: randomUUID(),
    userId,
    title: 'Water the plants',
    description: '',
    status: 'open',
    completedAt: null,
    priority: 'NONE',
    tags: [],
    dueAt: null,
    timezone: 'Europe/Berlin',
    recurrence: null,
    reminders: [],
    version: 1,
    createdAt: now,
    updatedAt: now,
    deletedAt: null,
    source: 'user',
  }
}

/**
 * Has the next `times` rows of a table end their own session, at the INSERT or at COMMIT: the crash a test cannot time. The
 * count is a sequence, because nothing else survives the rollback the crash leads to.
 */
export async function crashAt(
  system: TaskSystem,
  table: string,
  moment: 'insert' | 'commit',
  times: number,
): Promise<void> {
  const name = `crash_${randomUUID().replaceAll('-', '')}`
  const trigger =
    moment === 'insert'
      ? `CREATE TRIGGER ${name} BEFORE INSERT ON ${table} FOR EACH ROW`
      : `CREATE CONSTRAINT TRIGGER ${name} AFTER INSERT ON ${table} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW`
  await system.admin(
    `CREATE SEQUENCE ${name};
     CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
     BEGIN
       IF nextval('${name}') <= ${times} THEN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); END IF;
       RETURN NEW;
     END $$;
     ${trigger} EXECUTE FUNCTION ${name}()`,
  )
}
