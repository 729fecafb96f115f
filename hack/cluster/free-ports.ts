import { createServer } from 'node:net'
import type { Server } from 'node:net'

/**
 * Ports on an address that nobody listens on, all different. They are held open together while they are chosen, so
 * one call never answers the same port twice; between the answer and its use another process may still take one,
 * which is why starters retry.
 */
export async function freePorts(count: number, address = '127.0.0.1'): Promise<number[]> {
  const servers: Server[] = []
  try {
    for (let index = 0; index < count; index += 1) servers.push(await listen(0, address))
    return servers.map((server) => {
      const bound = server.address()
      if (bound === null || typeof bound === 'string') throw new Error('a TCP server without a port')
      return bound.port
    })
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  }
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
