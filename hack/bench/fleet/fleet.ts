/**
 * Many systems under one operator on the control-plane profile, ready before anything is measured. Pods and sidecars are those of the
 * integration tests' workload simulator: they answer the operator, and are no programs.
 */
import { kubeconfigCredentials } from '../../../operator/src/kube/credentials.ts'
import { createKubeClient } from '../../../operator/src/kube/http-client.ts'
import { kinds, pathOf } from '../../../operator/src/kube/kinds.ts'
import type { ResourceKind } from '../../../operator/src/kube/kinds.ts'
import type { KubeObject } from '../../../operator/src/kube/object.ts'
import { createTransport } from '../../../operator/src/kube/transport.ts'
import { simulateWorkloads } from '../../../operator/test/support/workload-simulator.ts'
import { findDaemon } from '../../cluster/daemon.ts'
import type { Daemon } from '../../cluster/daemon.ts'
import { startKafka, startPostgres, startRedis } from '../../cluster/index.ts'
import { waitFor } from '../../cluster/waiting.ts'
import { startProduct } from '../operator/contestants.ts'
import { createTopics, startBenchControlPlane } from '../operator/environment.ts'
import type { BenchControlPlane } from '../operator/environment.ts'
import { resourceOf, systemNames } from '../operator/resources.ts'
import type { Dependencies, SystemName } from '../operator/resources.ts'
import { inFlight } from '../statistics.ts'
import { installDaprControlPlane } from './dapr.ts'
import { joinGroups } from './members.ts'
import { firstSettings, specOf } from './settings.ts'
import type { Settings } from './settings.ts'

/** How often the simulated controllers look at the cluster, ms. */
const LOOK_EVERY = 250

/** The real servers that all systems of a run use. */
export interface Backends {
  readonly dependencies: Dependencies
  readonly databaseUri: string
  stop(): Promise<void>
}

/** Starts them, with the topics of so many systems. */
export async function startBackends(systems: number): Promise<Backends> {
  const servers = await Promise.all([startPostgres(), startRedis(), startKafka()])
  const [postgres, redis, kafka] = servers
  const dependencies = { kafka: kafka.brokers, redis: redis.address }
  await createTopics(systemNames(systems), dependencies)
  return {
    dependencies,
    databaseUri: postgres.url,
    stop: async () => {
      await Promise.all(servers.map((server) => server.stop()))
    },
  }
}

/** Systems that are ready, and who runs them. */
export interface Fleet {
  readonly environment: BenchControlPlane
  readonly systems: readonly SystemName[]
  readonly operator: Daemon
  /** Process id of the API server; another one after a restart. */
  apiServerPid(): Promise<number>
  /** Changes a system's settings; tried again until the API server has taken it, for a minute at most. */
  edit(system: SystemName, settings: Settings): Promise<void>
  /** Every object of a kind, in all namespaces. */
  list(kind: ResourceKind): Promise<readonly KubeObject[]>
  /** Waits until every system is ready in its newest generation. @throws DeadlineError naming those that are not. */
  untilReady(timeout: number): Promise<void>
  /** Waits until the first round of checks of every system is over; they are spread over a minute (CHECKS_SPREAD). */
  untilChecked(timeout: number): Promise<void>
  stop(): Promise<void>
}

/** Starts a control plane, the operator and so many systems, and waits until all are ready. @param through where the operator finds the API server */
export async function startFleet(
  size: number,
  { dependencies, databaseUri }: Backends,
  through?: (environment: BenchControlPlane) => Promise<string>,
): Promise<Fleet> {
  const systems = systemNames(size)
  const environment = await startBenchControlPlane(systems, databaseUri)
  const { client, plane } = environment
  const stops: (() => Promise<void>)[] = [() => environment.stop()]
  const stop = async (): Promise<void> => {
    for (const end of stops.splice(0).reverse()) await end()
  }
  try {
    const transport = createTransport({
      credentials: kubeconfigCredentials(plane.kubeconfigPath),
      userAgent: 'bench-simulator',
    })
    stops.push(() => transport.close())
    const workloads = simulateWorkloads({ transport, client: createKubeClient(transport) }, LOOK_EVERY)
    stops.push(() => workloads.stop())
    await installDaprControlPlane(client)
    stops.push(await joinGroups(systems, dependencies))
    // Nobody starts it again here when an API server that is away for long has cost it the lease; and there is only one.
    const operator = await startProduct(environment, await through?.(environment), { LEADER_ELECTION: 'false' })
    stops.push(() => operator.kill())
    const list = async (kind: ResourceKind): Promise<readonly KubeObject[]> => {
      const { items } = (await client.call('GET', pathOf(kind, {}))) as { items: readonly KubeObject[] }
      return items
    }
    const fleet: Fleet = {
      environment,
      systems,
      operator,
      list,
      stop,
      apiServerPid: async () => {
        const [process] = await findDaemon(plane.stateDir, 'kube-apiserver')
        if (process === undefined) throw new Error('kube-apiserver does not run')
        return process.pid
      },
      edit: async (system, settings) => {
        const patch = { spec: specOf(settings) }
        const send = async (): Promise<true> => {
          await client.call('PATCH', pathOf(kinds.TodoChatbot, system), patch, 'application/merge-patch+json')
          return true
        }
        await waitFor(`the edit of ${system.name} taken`, send, { timeout: 60_000 })
      },
      untilReady: (timeout) => waitUntil('ready', isReady, list, timeout),
      untilChecked: (timeout) => waitUntil('checked', isChecked, list, timeout),
    }
    await inFlight(systems, 16, async (system) => {
      const resource = resourceOf(system, dependencies)
      const { database, services } = specOf(firstSettings) as { database: object; services: object }
      const spec = resource['spec'] as { database: object }
      const body = { ...resource, spec: { ...spec, services, database: { ...spec.database, ...database } } }
      await client.call('POST', pathOf(kinds.TodoChatbot, { namespace: system.namespace }), body)
    })
    await fleet.untilReady(15 * 60_000)
    return fleet
  } catch (error) {
    await stop()
    throw error
  }
}

async function waitUntil(
  state: string,
  holds: (resource: KubeObject) => boolean,
  list: Fleet['list'],
  timeout: number,
): Promise<void> {
  const look = async (): Promise<true> => {
    const waiting = (await list(kinds.TodoChatbot)).filter((resource) => !holds(resource))
    const named = waiting.slice(0, 5).map(({ metadata }) => metadata.name)
    if (waiting.length > 0) throw new Error(`${waiting.length} are not ${state}: ${named.join(', ')}…`)
    return true
  }
  await waitFor(`every system ${state}`, look, { timeout, interval: 500 })
}

const isChecked = (resource: KubeObject): boolean =>
  (resource['status'] as { checks?: unknown } | undefined)?.checks !== undefined

function isReady({ metadata, ...resource }: KubeObject): boolean {
  const status = (resource['status'] ?? {}) as {
    conditions?: { type: string; status: string; observedGeneration?: number }[]
  }
  const ready = status.conditions?.find(({ type }) => type === 'Ready')
  return ready?.status === 'True' && ready.observedGeneration === metadata.generation
}
