/** Answers of workers and their sidecars on loopback addresses of their own, 127.n.x.y: daprd's metadata and the worker's health. */
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
/** Sidecars all listen on one port: test runs beside each other on one machine have loopback networks of their own. */
const network = 1 + (process.pid % 254)

/** Makes them; what they have loaded is what is scoped to their app in the world. */
export function simulatedSidecars(world: Pick<World, 'get' | 'inNamespace'>): SimulatedSidecars {
  const sidecars = new Map<string, { readonly servers: readonly Server[]; readonly ip: string }>()
  let nextIp = 1

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
      const ip = `127.${network}.${Math.floor(nextIp / 250) + 2}.${(nextIp++ % 250) + 1}`
      const without = how?.kind === 'MissingComponent' ? how.component : undefined
      const listen = (server: Server, on: number): Promise<void> =>
        new Promise((resolve, reject) => {
          server.once('error', reject)
          server.listen(on, ip, resolve)
        })
      const sidecar = answering(() => metadataOf(namespace, appId, without))
      const health = answering(() => healthOf(namespace, appId, how))
      await Promise.all([listen(sidecar, sidecarPort), ...(port === undefined ? [] : [listen(health, port)])])
      sidecars.set(pod, { servers: [sidecar, health], ip })
      return ip
    },
    stop,
    stopAll: () => {
      for (const pod of [...sidecars.keys()]) stop(pod)
    },
  }
}
