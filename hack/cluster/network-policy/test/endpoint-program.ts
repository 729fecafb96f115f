/**
 * One end of connections in a network namespace: echoes what reaches it by TCP and UDP on the ports given as arguments,
 * and opens connections when told so, one JSON request per line of standard input. Ends with its input.
 */
import { createSocket } from 'node:dgram'
import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'

/** What it can be asked for; `within` in ms. Each is answered by `{id, ok}`. */
export type EndpointRequest =
  /** Opens a connection and keeps it under its id. */
  | { readonly id: number; readonly open: string; readonly port: number; readonly within: number }
  /** Whether something sent over a kept connection comes back. */
  | { readonly id: number; readonly ask: number; readonly within: number }
  /** The same by a datagram of its own; to everybody where the address is a broadcast address. */
  | { readonly id: number; readonly datagram: string; readonly port: number; readonly within: number }

const connections = new Map<number, Socket>()

for (const port of process.argv.slice(2).map(Number)) {
  createServer((socket) => socket.on('error', () => undefined).pipe(socket)).listen(port, '0.0.0.0')
  const datagrams = createSocket('udp4')
  datagrams.on('message', (message, sender) => datagrams.send(message, sender.port, sender.address))
  datagrams.bind(port, '0.0.0.0')
}

function carryOut(request: EndpointRequest): Promise<boolean> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(false), request.within)
    if ('open' in request) {
      const socket = connect(request.port, request.open, () => resolve(true))
      socket.on('error', () => resolve(false))
      connections.set(request.id, socket)
    } else if ('ask' in request) {
      const socket = connections.get(request.ask)
      socket?.once('data', () => resolve(true))
      socket?.write('x')
    } else {
      const socket = createSocket('udp4')
      socket.once('message', () => resolve(true))
      socket.bind(0, () => {
        socket.setBroadcast(true)
        socket.send('x', request.port, request.datagram)
      })
    }
  })
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as EndpointRequest
  void carryOut(request).then((ok) => console.log(JSON.stringify({ id: request.id, ok })))
}
process.exit(0)
