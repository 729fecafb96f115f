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

// Processes begin at places of their own and go round, so two that choose at the same time do not meet.
let next = first + ((process.pid * 613) % (last - first))

/**
 * Ports on an address that nobody listens on, all different, and different from those of the calls before: between the
 * answer and its use nothing else of this process gets them.
 */
export async function freePorts(count: number, address = '127.0.0.1'): Promise<number[]> {
  const ports: number[] = []
  for (let tried = first; ports.length < count; tried += 1) {
    if (tried > last) throw new Error(`no ${count} free ports between ${first} and ${last} on ${address}`)
    const port = next
    next = port === last ? first : port + 1
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
