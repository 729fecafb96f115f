/** A control plane with our kinds and Dapr's, simulated workloads, and operators started from source inside the test's process. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pino from 'pino'
import { parseAllDocuments } from 'yaml'
import { goModuleFolder } from '../../../hack/cluster/go-programs.ts'
import { startControlPlane, type IsolatedControlPlane } from '../../../hack/cluster/index.ts'
import type { Condition, TodoChatbotStatus } from '../../src/api/v1alpha1/schema/status.ts'
import type { TodoChatbotSpecInput } from '../../src/api/v1alpha1/todochatbot.ts'
import { loadConfig } from '../../src/config.ts'
import type { KubeClient } from '../../src/kube/client.ts'
import { kubeconfigCredentials } from '../../src/kube/credentials.ts'
import { createKubeClient } from '../../src/kube/http-client.ts'
import { kinds, type ResourceKind } from '../../src/kube/kinds.ts'
import { isNotFound } from '../../src/kube/kube-error.ts'
import type { KubeObject } from '../../src/kube/object.ts'
import { createTransport, type KubeRequest, type Transport } from '../../src/kube/transport.ts'
import { runOperator } from '../../src/operator.ts'
import { createMetrics } from '../../src/runtime/metrics.ts'
import { simulateWorkloads, type WorkloadSimulator } from './workload-simulator.ts'

const repository = join(import.meta.dirname, '../../..')

/** The cluster a test file works on. */
export interface TestCluster {
  readonly plane: IsolatedControlPlane
  readonly client: KubeClient
  readonly workloads: WorkloadSimulator
  /** Creates a namespace of its own and returns its name. */
  namespace: () => Promise<string>
  stop: () => Promise<void>
}

/** Starts one. */
export async function startTestCluster(): Promise<TestCluster> {
  const plane = await startControlPlane()
  const transport = createTransport({ credentials: kubeconfigCredentials(plane.kubeconfigPath), userAgent: 'test' })
  const client = createKubeClient(transport)
  const dapr = join(await goModuleFolder('github.com/dapr/dapr'), 'charts/dapr/crds')
  await Promise.all([dapr, join(repository, 'crds')].map((folder) => installDefinitions(client, folder)))
  const { TodoChatbot, Component, Subscription, Resiliency, Configuration } = kinds
  await Promise.all(
    [TodoChatbot, Component, Subscription, Resiliency, Configuration].map((kind) =>
      until(`${kind.kind} is served`, () => client.list(kind)),
    ),
  )
  const workloads = simulateWorkloads({ transport, client })
  let count = 0
  return {
    plane,
    client,
    workloads,
    namespace: async () => {
      const name = `test-${(count += 1)}`
      await client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, { fieldManager: 'test' })
      return name
    },
    stop: async () => {
      await workloads.stop()
      await transport.close()
      await plane.stop()
    },
  }
}

async function installDefinitions(client: KubeClient, folder: string): Promise<void> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.yaml'))
  await Promise.all(
    files.map(async (file) => {
      for (const document of parseAllDocuments(await readFile(join(folder, file), 'utf8'))) {
        const definition = document.toJS() as KubeObject | null
        if (definition?.kind === 'CustomResourceDefinition') await client.apply(definition, { fieldManager: 'test' })
      }
    }),
  )
}

/** An operator that runs. `requests` lists what it asked the API server for, Events and the Lease left out. */
export interface RunningOperator {
  readonly requests: readonly { readonly method: string; readonly path: string }[]
  /** What it serves at /metrics. */
  metrics: () => Promise<string>
  /** As SIGTERM does. */
  stop: () => Promise<void>
}

/** What a test may choose. */
export interface OperatorOptions {
  readonly env?: Readonly<Record<string, string>>
  /** How far its wall clock is ahead of ours, in ms: for it, so much time has passed. */
  readonly ahead?: number
  /** Called before every write; throwing stands for a request that was never sent. */
  readonly beforeWrite?: (request: KubeRequest) => void
  /** Called after every write that the API server carried out. */
  readonly afterWrite?: (request: KubeRequest) => void
}

/** Runs the operator from source against the cluster. */
export function startOperator(cluster: TestCluster, options: OperatorOptions = {}): RunningOperator {
  const config = loadConfig({
    KUBECONFIG: cluster.plane.kubeconfigPath,
    LEADER_ELECTION: 'false',
    METRICS_PORT: '0',
    PROBE_PORT: '0',
    OPERAND_IMAGE_WORKERS: 'docker.io/todochatbot/workers:0.1.0',
    OPERAND_IMAGE_BACKUP: 'docker.io/todochatbot/backup:0.1.0',
    OPERAND_IMAGE_KAFKA: 'docker.io/todochatbot/kafka:0.1.0',
    OPERAND_IMAGE_POSTGRESQL: 'docker.io/todochatbot/postgresql:0.1.0',
    OPERAND_IMAGE_REDIS: 'docker.io/todochatbot/redis:0.1.0',
    TOPIC_CHECK_PERIOD: '1s',
    SIDECAR_CHECK_PERIOD: '1s',
    // Tests that are about the routine checks say when they run.
    CHECKS_SPREAD: '1h',
    KAFKA_WATCH_PERIOD: '1s',
    ...options.env,
  })
  const requests: { method: string; path: string }[] = []
  const inTurn = options.beforeWrite === undefined && options.afterWrite === undefined ? once : oneAtATime()
  const real = createTransport({
    credentials: kubeconfigCredentials(cluster.plane.kubeconfigPath),
    userAgent: 'operator',
  })
  const transport: Transport = {
    ...real,
    request: async (request) => {
      const counted = !request.path.includes('/events') && !request.path.includes('/leases/')
      const writes = request.method !== 'GET' && counted
      if (counted) requests.push({ method: request.method, path: request.path })
      if (!writes) return real.request(request)
      return inTurn(async () => {
        options.beforeWrite?.(request)
        const answer = await real.request(request)
        options.afterWrite?.(request)
        return answer
      })
    },
  }
  const stop = new AbortController()
  const metrics = createMetrics()
  const logger = pino({ level: process.env['TEST_LOG_LEVEL'] ?? 'silent' })
  const wallClock = (): number => Date.now() + (options.ahead ?? 0)
  const parts = { config, version: '0.1.0', transport, metrics, logger, wallClock }
  const running = runOperator(parts, stop.signal).finally(async () => {
    metrics.stop()
    await real.close()
  })
  return {
    requests,
    metrics: () => metrics.registry.metrics(),
    stop: async () => {
      stop.abort(new Error('SIGTERM'))
      await running
    },
  }
}

const once = <T>(work: () => Promise<T>): Promise<T> => work()

/** Writes that run side by side have no n-th one, so a test that counts them has them done one after the other. */
function oneAtATime(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const mine = last.then(work)
    last = mine.catch(() => undefined)
    return mine
  }
}

/** Applies a TodoChatbot as an admin does. */
export async function applyBot(
  client: KubeClient,
  namespace: string,
  spec: TodoChatbotSpecInput,
  name = 'todo',
  annotations?: Record<string, string>,
): Promise<KubeObject> {
  const { object } = await client.apply(
    {
      apiVersion: 'todochatbot.dev/v1alpha1',
      kind: 'TodoChatbot',
      metadata: { name, namespace, ...(annotations === undefined ? {} : { annotations }) },
      spec,
    },
    { fieldManager: 'admin' },
  )
  return object
}

/** The status of a resource; undefined when it has none or is gone. */
export async function statusOf(
  client: KubeClient,
  namespace: string,
  name = 'todo',
): Promise<TodoChatbotStatus | undefined> {
  const bot = await getOr(client, kinds.TodoChatbot, { namespace, name })
  return bot?.['status'] as TodoChatbotStatus | undefined
}

/** The object, or undefined. */
export async function getOr(
  client: KubeClient,
  kind: ResourceKind,
  ref: { namespace: string; name: string },
): Promise<KubeObject | undefined> {
  return client.get(kind, ref).catch((error: unknown) => {
    if (isNotFound(error)) return undefined
    throw error
  })
}

/** Waits until a condition of the resource is as wanted, for the newest generation, and returns it. */
export async function untilCondition(
  client: KubeClient,
  namespace: string,
  wanted: { type: string; status: string; reason?: string },
  { name = 'todo', deadline = 30_000 } = {},
): Promise<Condition> {
  return until(
    `${namespace}/${name} has ${wanted.type}=${wanted.status} ${wanted.reason ?? ''}`,
    async () => {
      const bot = await getOr(client, kinds.TodoChatbot, { namespace, name })
      const status = bot?.['status'] as TodoChatbotStatus | undefined
      const found = status?.conditions?.find(({ type }) => type === wanted.type)
      const fits =
        found?.status === wanted.status &&
        (wanted.reason === undefined || found.reason === wanted.reason) &&
        found.observedGeneration === bot?.metadata.generation
      lastSeen = JSON.stringify(
        status?.conditions?.map(({ type, status: held, reason, message }) => [type, held, reason, message]),
        undefined,
        1,
      )
      return fits ? found : undefined
    },
    deadline,
  )
}

let lastSeen = ''

/** Polls until the answer is neither undefined nor false; fails with what was waited for when the deadline (ms) passes. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  deadline = 30_000,
): Promise<T> {
  const end = performance.now() + deadline
  lastSeen = ''
  let problem: unknown
  while (performance.now() < end) {
    try {
      const answer = await ask()
      if (answer !== undefined && answer !== false) return answer
      problem = undefined
    } catch (error) {
      problem = error
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`not within ${deadline} ms: ${what}\n${lastSeen}`, { cause: problem })
}
