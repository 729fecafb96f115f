import type { RestoreReport } from '../../../workers/jobs/restore/config.ts'
import { restoreJobSteps } from '../../../workers/jobs/restore/config.ts'
import { label } from '../../src/api/v1alpha1/labels.ts'
import type { KubeObject } from '../../src/kube/object.ts'

/** Last words of a pod that did a step of a restore well; undefined for any other pod. */
export const restoreReportOf = (
  pod: KubeObject,
): { readonly container: string; readonly report: RestoreReport } | undefined =>
  pod.metadata.labels?.[label.restore] === undefined ? undefined : { container: 'restore', report: reportOf(pod) }

const reportOf = (pod: KubeObject): RestoreReport => {
  const { containers } = pod['spec'] as { containers: readonly { readonly command?: readonly string[] }[] }
  const step = restoreJobSteps.find((one) => containers[0]?.command?.includes(one) === true) ?? 'check'
  const message = `${step} is done`
  if (step === 'switch') return { step, message, databaseBefore: 'todo_before_12345678' }
  if (step !== 'check') return { step, message }
  const backup = {
    path: 'app/todo/x',
    manifestSha256: 'b'.repeat(64),
    cutAt: '2026-01-01T00:00:00.000Z',
    auditSequence: 7,
  }
  return { step, message, backup }
}
