import { replayProgressSchema, type ReplayProgress } from '../../../../workers/jobs/replay/config.ts'
import { progressPort } from '../../desired/job-pod.ts'
import { getFromPod } from '../pods/http-get.ts'
import type { PodView } from '../todochatbot/views.ts'

/** Asks a Job's pod how far it is. */
export type AskProgress = (pods: readonly PodView[], signal: AbortSignal) => Promise<ReplayProgress | undefined>

/**
 * Undefined when no pod runs or none answers within `deadline` ms: progress is good to know and nothing depends on it.
 */
export const askProgress =
  (deadline: number): AskProgress =>
  async (pods, signal) => {
    const ip = pods.find(({ phase, terminating }) => phase === 'Running' && !terminating)?.ip
    if (ip === undefined) return undefined
    try {
      const { status, body } = await getFromPod({ ip, port: progressPort }, '/progress', deadline, signal)
      if (status !== 200) return undefined
      const parsed = replayProgressSchema.safeParse(JSON.parse(body))
      return parsed.success ? parsed.data : undefined
    } catch (error) {
      if (signal.aborted) throw error
      return undefined
    }
  }
