import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startDaprd } from '../../../hack/cluster/index.ts'
import { freePorts } from '../../../hack/cluster/free-ports.ts'

/** A worker as it runs in a pod: its `main.ts` in a process of its own, with a sidecar beside it. */
export interface WorkerProcess {
  readonly url: string
  /** SIGKILL, then a new process on the same files and port. */
  crash(): Promise<void>
  /** SIGTERM; resolves to the exit code. */
  terminate(): Promise<number | null>
  stop(): Promise<void>
}

/** Which worker, and what it connects to. */
export interface WorkerProcessOptions {
  readonly worker: 'recurring-task' | 'notification'
  readonly databaseUri: string
  readonly brokers: string
  readonly settings?: Readonly<Record<string, unknown>>
}

const topics = { taskEvents: 'task-events', taskReminders: 'task-reminders', taskUpdates: 'task-updates' }

/** Starts sidecar and process; the worker is not necessarily ready yet. */
export async function startWorkerProcess(options: WorkerProcessOptions): Promise<WorkerProcess> {
  const service = `todo-${options.worker}`
  const [port = 0] = await freePorts(1)
  const appToken = randomUUID()
  const sidecar = await startDaprd({
    appId: service,
    appPort: port,
    appToken,
    resources: daprObjects(options, service),
  })
  const folder = await mkdtemp(join(tmpdir(), `todochatbot-${options.worker}-`))
  const [config, secrets] = [join(folder, 'config'), join(folder, 'secrets')]
  await mkdir(config)
  await mkdir(secrets)
  await writeFile(join(secrets, 'databaseUri'), options.databaseUri)
  await writeFile(join(secrets, 'appToken'), appToken)
  await writeFile(
    join(config, 'config.json'),
    JSON.stringify({
      service,
      system: 'todo',
      version: '0.1.0',
      logLevel: 'error',
      http: { port },
      dapr: { httpPort: sidecar.httpPort, pubsub: 'todo-task-pubsub' },
      topics,
      settings: options.settings ?? {},
    }),
  )
  const program = fileURLToPath(new URL(`../../${options.worker}/main.ts`, import.meta.url))
  const start = (): ChildProcess =>
    spawn(process.execPath, [program], {
      env: { PATH: process.env['PATH'], TODOCHATBOT_CONFIG_DIR: config, TODOCHATBOT_SECRETS_DIR: secrets },
      stdio: ['ignore', 'inherit', 'inherit'],
    })
  let child = start()
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
    const exited = once(child, 'exit')
    child.kill(signal)
    const [code] = (await exited) as [number | null]
    return code
  }
  return {
    url: `http://127.0.0.1:${port}`,
    crash: async () => {
      await end('SIGKILL')
      child = start()
    },
    terminate: () => end('SIGTERM'),
    stop: async () => {
      await end('SIGKILL')
      await sidecar.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function daprObjects({ worker, brokers }: WorkerProcessOptions, service: string): Record<string, unknown>[] {
  const metadata = { brokers, authType: 'none', consumerGroup: service, initialOffset: 'oldest', version: '2.8.0' }
  return [
    {
      apiVersion: 'dapr.io/v1alpha1',
      kind: 'Component',
      metadata: { name: 'todo-task-pubsub' },
      spec: {
        type: 'pubsub.kafka',
        version: 'v1',
        metadata: Object.entries(metadata).map(([name, value]) => ({ name, value })),
      },
    },
    {
      apiVersion: 'dapr.io/v2alpha1',
      kind: 'Subscription',
      metadata: { name: `todo-${worker}-task-events` },
      spec: {
        pubsubname: 'todo-task-pubsub',
        topic: topics.taskEvents,
        routes: { default: '/events/task-events' },
        deadLetterTopic: `${topics.taskEvents}.dlq`,
      },
      scopes: [service],
    },
    {
      apiVersion: 'dapr.io/v1alpha1',
      kind: 'Resiliency',
      metadata: { name: 'todo-resiliency' },
      spec: {
        policies: { retries: { inbound: { policy: 'constant', duration: '200ms', maxRetries: 300 } } },
        targets: { components: { 'todo-task-pubsub': { inbound: { retry: 'inbound' } } } },
      },
    },
  ]
}
