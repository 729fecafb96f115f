import { z } from 'zod'
import { getFromPod } from './http-get.ts'
import type { AskPod } from './pod-watch.ts'

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

/** Asks the sidecar of a pod what it has loaded. @param deadline ms */
export function askSidecar(deadline: number): AskPod<SidecarMetadata> {
  return async (target, signal) => {
    const { status, body } = await getFromPod(target, '/v1.0/metadata', deadline, signal)
    if (status !== 200) throw new Error(`metadata answered ${status}`)
    return metadataSchema.parse(JSON.parse(body))
  }
}
