import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { run, succeeds } from '../../command.ts'
import { repository } from '../../folders.ts'
import type { EndpointRequest } from './endpoint-program.ts'

/**
 * A node with pods as CNI's bridge plugin wires them, in network namespaces of their own: the machine's network and its
 * iptables are not touched. Needs root.
 */
export interface TestNetwork {
  readonly bridge: string
  /** Command line that runs a program in the node's namespace. */
  readonly insideNode: readonly string[]
  /** The node itself, at 10.61.0.1. */
  readonly node: Endpoint
  /** Adds a pod to the bridge; it echoes on `ports`. */
  pod(address: string, ports: readonly number[]): Promise<Endpoint>
  /** Adds a machine behind the node, in 192.0.2.0/24. */
  outside(address: string, ports: readonly number[]): Promise<Endpoint>
  remove(): Promise<void>
}

/** One end of connections. Answers false when nothing came of it within `within` ms. */
export interface Endpoint {
  readonly address: string
  opens(to: string, port: number, within?: number): Promise<boolean>
  exchangesDatagram(to: string, port: number, within?: number): Promise<boolean>
  /** @throws Error when it cannot be opened. */
  connection(to: string, port: number): Promise<{ answers(within?: number): Promise<boolean> }>
  end(): void
}

/** What arrives at all arrives in a millisecond; on a busy machine it may take longer to be told so. */
const WITHIN = 5_000

/** Makes the node with its bridge. */
export async function testNetwork(): Promise<TestNetwork> {
  const id = `${process.pid}-${Math.floor(Math.random() * 10_000)}`
  const nodeNamespace = `policy-${id}`
  const namespaces = [nodeNamespace]
  const endpoints: Endpoint[] = []
  const bridge = 'pods'
  const inside = (namespace: string): string[] => ['ip', 'netns', 'exec', namespace]
  const node = (...command: string[]): Promise<string> => run('ip', ['netns', 'exec', nodeNamespace, ...command])
  const start = async (namespace: string, address: string, ports: readonly number[]): Promise<Endpoint> => {
    const endpoint = await startEndpoint(inside(namespace), address, ports)
    endpoints.push(endpoint)
    return endpoint
  }
  /** A namespace joined to the node by a pair of interfaces, the node's end of which is `link`. */
  const joined = async (link: string, address: string, prefix: number, gateway: string): Promise<string> => {
    const namespace = `${nodeNamespace}-${link}`
    await run('ip', ['netns', 'add', namespace])
    namespaces.push(namespace)
    const peer = ['peer', 'name', 'eth0', 'netns', namespace]
    await run('ip', ['link', 'add', link, 'netns', nodeNamespace, 'type', 'veth', ...peer])
    const there = (...command: string[]): Promise<string> => run('ip', ['-n', namespace, ...command])
    await there('address', 'add', `${address}/${prefix}`, 'broadcast', '+', 'dev', 'eth0')
    await there('link', 'set', 'eth0', 'up')
    await there('link', 'set', 'lo', 'up')
    await there('route', 'add', 'default', 'via', gateway)
    await node('ip', 'link', 'set', link, 'up')
    return namespace
  }

  await run('ip', ['netns', 'add', nodeNamespace])
  await node('sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.bridge.bridge-nf-call-iptables=1')
  await node('ip', 'link', 'set', 'lo', 'up')
  await node('ip', 'link', 'add', bridge, 'type', 'bridge')
  await node('ip', 'address', 'add', '10.61.0.1/16', 'dev', bridge)
  await node('ip', 'link', 'set', bridge, 'up')
  // Addresses of Services are somewhere, or the node would not begin to send.
  await node('ip', 'route', 'add', '10.62.0.0/16', 'dev', bridge)
  let outsides = 0
  return {
    bridge,
    insideNode: inside(nodeNamespace),
    node: await start(nodeNamespace, '10.61.0.1', [6443]),
    async pod(address, ports) {
      const link = `pod${endpoints.length}`
      const namespace = await joined(link, address, 16, '10.61.0.1')
      await node('ip', 'link', 'set', link, 'master', bridge)
      await node('bridge', 'link', 'set', 'dev', link, 'hairpin', 'on')
      return start(namespace, address, ports)
    },
    async outside(address, ports) {
      const link = `out${(outsides += 1)}`
      const namespace = await joined(link, address, 24, '192.0.2.1')
      await node('ip', 'address', 'add', '192.0.2.1/24', 'dev', link)
      return start(namespace, address, ports)
    },
    async remove() {
      for (const endpoint of endpoints) endpoint.end()
      for (const namespace of namespaces.toReversed()) await succeeds('ip', ['netns', 'delete', namespace])
    },
  }
}

async function startEndpoint(inside: readonly string[], address: string, ports: readonly number[]): Promise<Endpoint> {
  const [program = '', ...args] = inside
  const node = join(repository, 'node_modules/node/bin/node')
  const script = join(import.meta.dirname, 'endpoint-program.ts')
  const child = spawn(program, [...args, node, script, ...ports.map(String)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const waiting = new Map<number, (ok: boolean) => void>()
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { id, ok } = JSON.parse(line) as { id: number; ok: boolean }
    waiting.get(id)?.(ok)
    waiting.delete(id)
  })
  let last = 0
  type Question = EndpointRequest extends infer R ? (R extends unknown ? Omit<R, 'id'> : never) : never
  const ask = (request: Question): Promise<boolean> => {
    const id = (last += 1)
    return new Promise((resolve) => {
      waiting.set(id, resolve)
      child.stdin.write(`${JSON.stringify({ id, ...request })}\n`)
    })
  }
  // It listens before it reads its first request.
  await ask({ datagram: '127.0.0.1', port: ports[0] ?? 1, within: WITHIN })
  return {
    address,
    opens: (to, port, within = WITHIN) => ask({ open: to, port, within }),
    exchangesDatagram: (to, port, within = WITHIN) => ask({ datagram: to, port, within }),
    async connection(to, port) {
      const opened = ask({ open: to, port, within: WITHIN })
      const id = last
      if (!(await opened)) throw new Error(`${address} cannot connect to ${to}:${port}`)
      return { answers: (within = WITHIN) => ask({ ask: id, within }) }
    },
    end: () => child.stdin.end(),
  }
}
