import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Port of a Job's pod on which the operator asks; desired/job-pod.ts of the operator has the same. */
export const progressPort = 8081

/** What answers GET /progress. */
export interface ProgressServer {
  readonly port: number
  close(): Promise<void>
}

/** Serves how far a Job is as JSON, and nothing else. Rejects when the port, 0 for any, cannot be had. */
export const serveProgress = async (port: number, progress: () => object): Promise<ProgressServer> => {
  const server = createServer((request, response) => {
    const known = request.method === 'GET' && request.url === '/progress'
    response.writeHead(known ? 200 : 404, { 'content-type': 'application/json', connection: 'close' })
    response.end(known ? JSON.stringify(progress()) : '{}')
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
