import type { RestoreConfig, RestoreReport } from '../../../workers/jobs/restore/config.ts'
import { restoreJobSteps } from '../../../workers/jobs/restore/config.ts'
import { label } from '../../src/api/v1alpha1/labels.ts'
import { names } from '../../src/api/v1alpha1/names.ts'
import type { KubeClient } from '../../src/kube/client.ts'
import { kinds } from '../../src/kube/kinds.ts'
import type { KubeObject } from '../../src/kube/object.ts'

/** Last words of a pod that did a step of a restore well; undefined for any other pod. @param cuts of the backups that are known, by path */
export const restoreReportOf = async (
  client: KubeClient,
  pod: KubeObject,
  cuts: ReadonlyMap<string, string>,
): Promise<{ readonly container: string; readonly report: RestoreReport } | undefined> => {
  const restore = pod.metadata.labels?.[label.restore]
  if (restore === undefined) return undefined
  const { containers } = pod['spec'] as { containers: readonly { readonly command?: readonly string[] }[] }
  const step = restoreJobSteps.find((one) => containers[0]?.command?.includes(one) === true) ?? 'check'
  const message = `${step} is done`
  if (step === 'switch')
    return { container: 'restore', report: { step, message, databaseBefore: 'todo_before_12345678' } }
  if (step === 'reapply') {
    const reapplied = { entries: 3, auditSequence: 10, until: '2026-01-01T00:30:00.000Z' }
    return { container: 'restore', report: { step, message, reapplied, violations: ['2 tasks are left out'] } }
  }
  if (step !== 'check') return { container: 'restore', report: { step, message } }
  const { namespace = '' } = pod.metadata
  const configMap = await client.get(kinds.ConfigMap, { namespace, name: names.restore(restore) })
  const { 'config.json': text = '' } = (configMap['data'] ?? {}) as Record<string, string>
  const { source } = JSON.parse(text) as RestoreConfig
  const backup = {
    path: source.path,
    manifestSha256: 'b'.repeat(64),
    cutAt: cuts.get(source.path) ?? '2026-01-01T00:00:00.000Z',
    auditSequence: 7,
  }
  return { container: 'restore', report: { step, message, backup } }
}
