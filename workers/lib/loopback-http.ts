import { request } from 'node:http'
import type { Agent } from 'node:http'

/** A request to a server on this host. `timeout` in milliseconds bounds the whole exchange. */
export interface LoopbackRequest {
  readonly agent: Agent
  readonly port: number
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly timeout: number
}

/**
 * Sends one request and reads the answer as text, whatever its status; rejects when none comes in time or `signal` is
 * aborted. Node's own client, because undici and its WebAssembly parser would be a tenth of an idle worker's memory.
 */
export const sendRequest = (
  target: LoopbackRequest,
  body: string | undefined,
  signal: AbortSignal,
): Promise<{ status: number; body: string }> => {
  const { agent, port, method, path, timeout } = target
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  const headers = { ...target.headers, ...length }
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', agent, port, method, path, headers, signal }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        clearTimeout(timer)
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') })
      })
    })
    const timer = setTimeout(() => outgoing.destroy(new Error(`no answer within ${timeout} ms`)), timeout)
    outgoing.on('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    outgoing.end(body)
  })
}
