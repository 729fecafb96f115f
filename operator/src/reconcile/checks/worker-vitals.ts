/** What a worker says of itself at this moment: GET /health, asked anew for every round of checks. */
import { z } from 'zod'
import { workerPorts } from '../../api/v1alpha1/names.ts'
import { getFromPod } from '../pods/http-get.ts'
import type { PodView } from '../todochatbot/views.ts'
import { reasonOf } from '../pods/reason.ts'
import type { WatchedWorker } from './watched-workers.ts'

const vitalsSchema = z.object({
  checks: z.record(z.string(), z.string()).default({}),
  pool: z.object({ total: z.int(), idle: z.int(), waiting: z.int() }).optional(),
  /** Statements since the start of the process; absent in older workers. */
  queries: z.object({ total: z.int(), slow: z.int() }).optional(),
})

/** One pod's answer. */
export interface Vitals {
  readonly worker: WatchedWorker
  readonly pod: PodView
  /** Or why there is none. */
  readonly answer: z.output<typeof vitalsSchema> | { readonly problem: string }
}

/** Asks every pod of every worker. */
export type AskVitals = (workers: readonly WatchedWorker[], signal: AbortSignal) => Promise<readonly Vitals[]>

/** Asks over HTTP; a pod that does not answer is asked once more, since one lost packet is no outage. @param deadline ms for one question */
export function askVitals(deadline: number): AskVitals {
  return async (workers, signal) =>
    Promise.all(
      workers.flatMap((worker) =>
        worker.pods.map(async (pod): Promise<Vitals> => {
          const { ip } = pod
          if (ip === undefined) return { worker, pod, answer: { problem: 'has no address yet' } }
          const ask = async (): Promise<Vitals> => {
            const { status, body } = await getFromPod(
              { ip, port: workerPorts[worker.field] },
              '/health',
              deadline,
              signal,
            )
            if (status !== 200 && status !== 503) throw new Error(`/health answered ${status}`)
            return { worker, pod, answer: vitalsSchema.parse(JSON.parse(body)) }
          }
          return ask()
            .catch(ask)
            .catch((error: unknown): Vitals => ({ worker, pod, answer: { problem: reasonOf(error) } }))
        }),
      ),
    )
}
