import type { z } from 'zod'
import { progressPort } from '../../desired/job-pod.ts'
import { getFromPod } from '../pods/http-get.ts'
import type { PodView } from '../todochatbot/views.ts'

/** Asks the pod of a Job how far it is; undefined when none runs, or it does not answer in time. */
export type AskProgress<Progress> = (pods: readonly PodView[], signal: AbortSignal) => Promise<Progress | undefined>

/** GET /progress of the pod that runs, within `deadline` ms. Progress is good to know and nothing depends on it, so no answer is no error. */
export const askProgress =
  <Progress>(schema: z.ZodType<Progress>, deadline: number): AskProgress<Progress> =>
  async (pods, signal) => {
    const ip = pods.find(({ phase, terminating }) => phase === 'Running' && !terminating)?.ip
    if (ip === undefined) return undefined
    try {
      const { status, body } = await getFromPod({ ip, port: progressPort }, '/progress', deadline, signal)
      if (status !== 200) return undefined
      const parsed = schema.safeParse(JSON.parse(body))
      return parsed.success ? parsed.data : undefined
    } catch (error) {
      if (signal.aborted) throw error
      return undefined
    }
  }
