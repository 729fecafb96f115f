import type { PodTarget } from './pod-watch.ts'

/** An answer of a pod. */
export interface PodAnswer {
  readonly status: number
  readonly body: string
}

/** Largest body that is read, bytes: the pod's network is not trusted. */
const bodyLimit = 64 * 1024

/**
 * GET from a pod at its address: no redirects, 64 KiB at most.
 * @param deadline ms
 * @throws Error when there is no answer in time, or a larger one
 */
export async function getFromPod(
  { ip, port }: Pick<PodTarget, 'ip' | 'port'>,
  path: string,
  deadline: number,
  signal: AbortSignal,
  headers: Readonly<Record<string, string>> = {},
): Promise<PodAnswer> {
  const host = ip.includes(':') ? `[${ip}]` : ip
  const response = await fetch(`http://${host}:${port}${path}`, {
    redirect: 'error',
    headers,
    signal: AbortSignal.any([signal, AbortSignal.timeout(deadline)]),
  })
  return { status: response.status, body: await readLimited(response) }
}

async function readLimited(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    if (size > bodyLimit) throw new Error(`the answer is larger than ${bodyLimit} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
