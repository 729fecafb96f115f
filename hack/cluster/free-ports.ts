import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import type { Server } from 'node:net'

/**
 * Where ports are chosen from: below what the kernel hands out to outgoing connections (32768 on, Linux) and to
 * Services (NodePorts, 30000 on), above what Kubernetes' own programs listen on (10250 to 10259). A port that the
 * kernel chose would be given to the next outgoing connection as soon as it is let go, and whoever then starts on it
 * finds it in use.
 */
const first = 12_000
const last = 29_999

/** Ports this process has looked at: nobody who asks at the same time looks at the same one. */
const seen = new Set<number>()
/** So many ports in turn that are in use: something else is wrong. */
const mostTries = 1_000

/**
 * Ports on an address that nobody listens on, chosen at random, all different, and different from those of the calls before: until they are
 * used nothing else of this process gets them, and other processes do not look at the same ones.
 */
export async function freePorts(count: number, address = '127.0.0.1'): Promise<number[]> {
  const ports: number[] = []
  for (let tries = 0; ports.length < count; tries += 1) {
    if (tries === mostTries) throw new Error(`no ${count} free ports between ${first} and ${last} on ${address}`)
    const port = randomInt(first, last + 1)
    if (seen.has(port)) continue
    seen.add(port)
    if (await portIsFree(port, address)) ports.push(port)
  }
  return ports
}

/** Whether a port can be listened on now. */
export async function portIsFree(port: number, address: string): Promise<boolean> {
  try {
    const server = await listen(port, address)
    await new Promise((resolve) => server.close(resolve))
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return false
    throw error
  }
}

function listen(port: number, host: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ port, host, exclusive: true }, () => resolve(server))
  })
}
