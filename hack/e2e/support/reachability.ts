import { kinds } from '../../../operator/src/kube/kinds.ts'
import type { KubeObject } from '../../../operator/src/kube/object.ts'
import type { TestCluster } from './cluster.ts'

/** Something that listens: `host` may be a name, which is looked up inside the pod. */
export interface Target {
  readonly what: string
  readonly host: string
  readonly port: number
}

/** Connects to every target at once, waits 3 s at most, prints who answered. Runs inside a pod, with the node of the image. */
const connectAll = `
const net = require('node:net')
const one = ({ what, host, port }) => new Promise((resolve) => {
  const socket = net.connect({ host, port })
  const end = (reached) => { socket.destroy(); resolve(reached ? [what] : []) }
  setTimeout(() => end(false), 3000)
  socket.once('connect', () => end(true))
  socket.once('error', () => end(false))
})
Promise.all(JSON.parse(process.argv[1]).map(one)).then((found) => { console.log(JSON.stringify(found.flat())); process.exit() })`

/** Pings Redis on one open connection until it has not answered for 5 s, then prints how often it did. */
const pingRedis = `
const net = require('node:net')
const socket = net.connect({ host: process.argv[1], port: Number(process.argv[2]) })
let answers = 0, last = Date.now()
socket.on('data', () => { answers += 1; last = Date.now(); if (answers === 3) console.log('answered') })
socket.on('error', () => {})
setInterval(() => {
  if (!socket.destroyed) socket.write('PING\\r\\n')
  if (Date.now() - last > 5000) { console.log('cut'); process.exit() }
}, 200)`

/** The container of a worker's pod: real connections are made from inside it, through the kubelet. */
export interface PodShell {
  readonly pod: KubeObject
  readonly ip: string
  /** The targets that answer. */
  reaches(targets: readonly Target[]): Promise<readonly string[]>
  /** Keeps one connection to a Redis busy; resolves with what was seen when it has been silent for 5 s. */
  pingUntilCut(redis: { readonly host: string; readonly port: number }): Promise<string>
}

/** The only running pod of a worker. */
export async function shellOf(cluster: TestCluster, namespace: string, worker: string): Promise<PodShell> {
  const pods = await cluster.list(kinds.Pod, namespace, `app.kubernetes.io/name=${worker}`)
  const [pod] = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  const ip = (pod?.['status'] as { podIP?: string } | undefined)?.podIP
  if (pod === undefined || ip === undefined) throw new Error(`${worker} has no running pod`)
  const run = (script: string, args: readonly string[], timeout: number): Promise<string> =>
    cluster.kubectl(['exec', '-n', namespace, pod.metadata.name, '-c', worker, '--', 'node', '-e', script, ...args], {
      timeout,
    })
  return {
    pod,
    ip,
    reaches: async (targets) =>
      JSON.parse(await run(connectAll, [JSON.stringify(targets)], 60_000)) as readonly string[],
    pingUntilCut: ({ host, port }) => run(pingRedis, [host, String(port)], 300_000),
  }
}
