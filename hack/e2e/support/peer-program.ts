/**
 * Runs in a pod: echoes on port 9000, and carries out what it is asked for on port 8080, each request answered by
 * `{"ok": true|false}`, false after `within` ms:
 *
 *   /open?host=…&port=…&within=…  whether a connection comes about
 *   /keep?host=…&port=…&within=…  the same, and the connection stays, under the host's name
 *   /kept?host=…&within=…         whether an echo comes back over it
 *   /early                        whether the host in EARLY was reached in the first two seconds of this pod's life
 */
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'

const kept = new Map<string, Socket>()

function open(host: string, port: number, within: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, host)
    const timer = setTimeout(() => socket.destroy(new Error('silence')), within)
    socket.once('connect', () => {
      clearTimeout(timer)
      resolve(socket)
    })
    socket.on('error', () => resolve(undefined))
  })
}

function echoes(socket: Socket | undefined, within: number): Promise<boolean> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(false), within)
    socket?.once('data', () => resolve(true))
    socket?.write('x')
  })
}

async function reachedEarly(address: string): Promise<boolean> {
  const end = performance.now() + 2_000
  while (performance.now() < end) {
    const socket = await open(address, 9000, 100)
    socket?.destroy()
    if (socket) return true
  }
  return false
}

const address = process.env['EARLY'] ?? ''
const early = address === '' ? Promise.resolve(false) : reachedEarly(address)

async function carryOut(path: string, query: URLSearchParams): Promise<boolean> {
  const host = query.get('host') ?? ''
  const within = Number(query.get('within'))
  if (path === '/healthz') return true
  if (path === '/early') return early
  if (path === '/kept') return echoes(kept.get(host), within)
  const socket = await open(host, Number(query.get('port')), within)
  if (path === '/keep' && socket) kept.set(host, socket)
  else socket?.destroy()
  return socket !== undefined
}

createServer((socket) => socket.on('error', () => undefined).pipe(socket)).listen(9000, '0.0.0.0')
createHttpServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://peer')
  void carryOut(pathname, searchParams).then((ok) => {
    response.end(JSON.stringify({ ok }))
  })
}).listen(8080, '0.0.0.0')
process.once('SIGTERM', () => process.exit(0))
