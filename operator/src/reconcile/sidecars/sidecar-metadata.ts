import { z } from 'zod'

/** Port on which daprd serves health and metadata to everybody, without the API token (dapr 1.18 pkg/api/http/http.go, PublicEndpoints). */
export const publicPort = 3501

const metadataSchema = z.object({
  id: z.string().default(''),
  runtimeVersion: z.string().default(''),
  components: z.array(z.object({ name: z.string(), type: z.string().default('') })).default([]),
  subscriptions: z.array(z.object({ pubsubname: z.string(), topic: z.string() })).default([]),
})

/** What a sidecar says it has loaded (GET /v1.0/metadata). */
export type SidecarMetadata = z.output<typeof metadataSchema>

/** Asks the sidecar of a pod. Throws when it does not answer, or not as daprd does. */
export type AskSidecar = (ip: string, signal: AbortSignal) => Promise<SidecarMetadata>

/** Asks over HTTP. The pod's network is not trusted: no redirects, 64 KiB at most, and a deadline in ms. */
export function askSidecar(deadline: number): AskSidecar {
  return async (ip, signal) => {
    const host = ip.includes(':') ? `[${ip}]` : ip
    const response = await fetch(`http://${host}:${publicPort}/v1.0/metadata`, {
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(deadline)]),
    })
    const body = await readLimited(response, 64 * 1024)
    if (!response.ok) throw new Error(`metadata answered ${response.status}`)
    return metadataSchema.parse(JSON.parse(body))
  }
}

async function readLimited(response: Response, limit: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    if (size > limit) throw new Error(`metadata is larger than ${limit} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
