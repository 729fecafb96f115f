/**
 * A TCP relay before an API server, whose connections can be cut. TLS passes through it untouched, so the operator behind it keeps the
 * credentials and checks of a pod. Only connections on which the client has been silent for a while are cut: those are its watches (and
 * idle ones), and no write is ever torn in the middle by the relay.
 */
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** See the header of this file. */
export interface Relay {
  readonly port: number
  /** Cuts every connection whose client has sent nothing for `quietMs`. Returns how many. */
  cut(quietMs: number): number
  close(): Promise<void>
}

/** Starts a relay to a port of the loopback address. */
export async function startRelay(target: number): Promise<Relay> {
  const connections = new Map<Socket, { lastSent: number }>()
  const server = createServer((client) => {
    const upstream = connect({ host: '127.0.0.1', port: target })
    const state = { lastSent: performance.now() }
    connections.set(client, state)
    client.on('data', () => {
      state.lastSent = performance.now()
    })
    const end = (): void => {
      connections.delete(client)
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true)
      // A connection that breaks off ends on both sides; why is the business of the programs at its ends.
      socket.on('error', end)
      socket.on('close', end)
    }
    client.pipe(upstream)
    upstream.pipe(client)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    cut: (quietMs) => {
      const before = performance.now() - quietMs
      const quiet = [...connections].filter(([, { lastSent }]) => lastSent < before)
      for (const [client] of quiet) client.destroy()
      return quiet.length
    },
    close: async () => {
      for (const client of connections.keys()) client.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
