/** Asks the pod of a running backup how far it is. */
import { progressSchema, type BackupProgress } from '../../../../workers/jobs/backup/config.ts'
import { progressPort } from '../../desired/job-pod.ts'
import { getFromPod } from '../pods/http-get.ts'
import type { AskPod, PodTarget } from '../pods/pod-watch.ts'
import type { PodView } from '../todochatbot/views.ts'

/** GET /progress. @param deadline ms */
export function askProgress(deadline: number): AskPod<BackupProgress> {
  return async (target, signal) => {
    const { status, body } = await getFromPod(target, '/progress', deadline, signal)
    if (status !== 200) throw new Error(`/progress answered ${status}`)
    return progressSchema.parse(JSON.parse(body))
  }
}

/** The pods that can be asked. */
export const progressTargets = (pods: readonly PodView[]): readonly PodTarget[] =>
  pods.flatMap(({ name, ip, phase }) =>
    ip === undefined || phase !== 'Running' ? [] : [{ pod: name, ip, port: progressPort, incarnation: name }],
  )
