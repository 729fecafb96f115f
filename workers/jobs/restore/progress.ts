import { createServer } from 'node:http'

/** How far a step is. */
export interface StepProgress {
  readonly bytes: number
  readonly total: number
  readonly part: string
}

/** Serves GET /progress to the operator: `{percent, bytes, part}`. */
export const serveProgress = async (
  port: number,
  progress: () => StepProgress,
): Promise<{ readonly close: () => void }> => {
  const server = createServer((request, response) => {
    const { bytes, total, part } = progress()
    const known = request.method === 'GET' && request.url === '/progress'
    response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' })
    const percent = total === 0 ? 0 : Math.min(100, Math.floor((bytes / total) * 100))
    response.end(known ? JSON.stringify({ percent, bytes, part }) : '{}')
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, resolve)
  })
  return {
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
