/** Answers of workers and their sidecars on loopback addresses of their own, 127.n.x.y: daprd's metadata and the worker's health. */
import { randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { KubeObject } from '../../src/kube/object.ts'
import type { Misbehaviour } from './simulated-workload.ts'
import type { World } from './simulated-world.ts'

/** See the header of this file. Pods are named `namespace/name`. */
export interface SimulatedSidecars {
  /** Starts to answer for a pod; one that is answered for already keeps its address. @param port of the worker's health. @returns the address */
  start: (pod: string, appId: string, port: number | undefined, how: Misbehaviour | undefined) => Promise<string>
  stop: (pod: string) => void
  stopAll: () => void
}

const sidecarPort = 3501
/** Sidecars all listen on one port, so those who simulate beside each other on one machine need loopback networks of their own. */
interface Network {
  /** The second number of its addresses. */
  readonly number: number
  /** Holds it: nobody else can listen there. */
  readonly claim: Server
}

/** Makes them; what they have loaded is what is scoped to their app in the world. */
export function simulatedSidecars(world: Pick<World, 'get' | 'inNamespace'>): SimulatedSidecars {
  const sidecars = new Map<string, { readonly servers: readonly Server[]; readonly ip: string }>()
  let nextIp = 1
  let network: Promise<Network> | undefined

  const answering = (answer: () => object): Server =>
    createServer((_request, response) => {
      response.end(JSON.stringify(answer()))
    })
  const scoped = (kind: 'Component' | 'Subscription', namespace: string, appId: string): readonly KubeObject[] =>
    world
      .inNamespace(kind, namespace)
      .filter((item) => (item['scopes'] as readonly string[] | undefined)?.includes(appId) === true)

  const metadataOf = (namespace: string, appId: string, without: string | undefined): object => ({
    id: appId,
    runtimeVersion: '1.18.1',
    components: scoped('Component', namespace, appId)
      .filter(({ metadata }) => metadata.name !== without)
      .map(({ metadata, ...item }) => {
        const { type } = item['spec'] as { readonly type: string }
        return { name: metadata.name, type, version: 'v1' }
      }),
    subscriptions: scoped('Subscription', namespace, appId).map((item) => {
      const { pubsubname, topic } = item['spec'] as { readonly pubsubname: string; readonly topic: string }
      return { pubsubname, topic }
    }),
  })
  /** Well, with the hot-reloadable settings of its ConfigMap in force. */
  const healthOf = (namespace: string, appId: string, how: Misbehaviour | undefined): object => {
    const data = world.get('ConfigMap', { namespace, name: `${appId}-config` })?.['data']
    const { 'hot.json': hot = '{}' } = (data ?? {}) as Record<string, string>
    const { revision } = JSON.parse(hot) as { revision?: string }
    const pool = { total: 2, idle: 2, waiting: how?.kind === 'PoolExhausted' ? 3 : 0 }
    return { status: 'healthy', phase: 'ready', checks: {}, pool, config: { revision } }
  }

  const stop = (pod: string): void => {
    const sidecar = sidecars.get(pod)
    sidecars.delete(pod)
    for (const server of sidecar?.servers ?? []) {
      server.close()
      server.closeAllConnections()
    }
  }

  return {
    start: async (pod, appId, port, how) => {
      const known = sidecars.get(pod)
      if (known !== undefined) return known.ip
      const [namespace = ''] = pod.split('/')
      network ??= claimNetwork()
      const { number } = await network
      const ip = `127.${number}.${Math.floor(nextIp / 250) + 2}.${(nextIp++ % 250) + 1}`
      const without = how?.kind === 'MissingComponent' ? how.component : undefined
      const sidecar = answering(() => metadataOf(namespace, appId, without))
      const health = answering(() => healthOf(namespace, appId, how))
      await Promise.all([listen(sidecar, sidecarPort, ip), ...(port === undefined ? [] : [listen(health, port, ip)])])
      sidecars.set(pod, { servers: [sidecar, health], ip })
      return ip
    },
    stop,
    stopAll: () => {
      for (const pod of [...sidecars.keys()]) stop(pod)
      void network?.then(({ claim }) => claim.close())
      network = undefined
    },
  }
}

const listen = (server: Server, port: number, ip: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, ip, resolve)
  })

/** Takes a network that nobody has, by listening at an address of it that no sidecar gets. */
async function claimNetwork(): Promise<Network> {
  for (;;) {
    const number = randomInt(1, 255)
    const claim = createServer()
    try {
      await listen(claim, sidecarPort, `127.${number}.1.1`)
      return { number, claim }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    }
  }
}
