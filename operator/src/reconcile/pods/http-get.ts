/**
 * One GET over a connection of its own. Hundreds of pods are asked every half a minute, each too seldom for a kept connection to be
 * alive still; `fetch`, with its web streams, cost a fifth of the operator's CPU at 800 pods.
 */
import { get, type IncomingMessage } from 'node:http'
import type { PodTarget } from './pod-watch.ts'

/** An answer of a pod. */
export interface PodAnswer {
  readonly status: number
  readonly body: string
}

/** Largest body that is read, bytes: the pod's network is not trusted. */
const bodyLimit = 64 * 1024

/**
 * GET from a pod at its address: no redirects are followed, 64 KiB at most.
 * @param deadline ms
 * @throws Error when there is no answer in time (TimeoutError), or a larger one; the signal's reason when it aborts
 */
export function getFromPod(
  { ip, port }: Pick<PodTarget, 'ip' | 'port'>,
  path: string,
  deadline: number,
  signal: AbortSignal,
  headers: Readonly<Record<string, string>> = {},
): Promise<PodAnswer> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const request = get({ host: ip, port, path, headers, agent: false }, (response) => {
      readLimited(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), end)
    })
    const end = (error: Error): void => {
      request.destroy()
      reject(error)
    }
    const abort = (): void => end(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)))
    const timer = setTimeout(() => end(new DOMException('no answer in time', 'TimeoutError')), deadline)
    signal.addEventListener('abort', abort, { once: true })
    request.on('error', reject)
    request.on('close', () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
    })
  })
}

async function readLimited(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.byteLength
    if (size > bodyLimit) throw new Error(`the answer is larger than ${bodyLimit} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
