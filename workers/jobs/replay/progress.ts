import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ReplayProgress } from './config.ts'

/** What answers /progress. */
export interface ProgressServer {
  readonly port: number
  close: () => void
}

/** Serves how far the Job is, to the operator; nothing else. */
export const serveProgress = async (port: number, progress: () => ReplayProgress): Promise<ProgressServer> => {
  const server = createServer((request, response) => {
    const known = request.method === 'GET' && request.url === '/progress'
    response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' })
    response.end(known ? JSON.stringify(progress()) : '{}')
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
