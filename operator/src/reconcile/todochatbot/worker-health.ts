/** What the worker pods of a system say of themselves. Pure. */
import { workerNames, workerPorts } from '../../api/v1alpha1/names.ts'
import { workerFields, type WorkerField } from '../../api/v1alpha1/schema/services.ts'
import type { PodReport, PodTarget } from '../pods/pod-watch.ts'
import type { WorkerHealth } from '../pods/worker-health.ts'
import type { PodView } from './views.ts'

/** What is known of a worker pod. */
export type HealthReport = PodReport<WorkerHealth>

/** The worker pods that can be asked for their health. */
export function healthTargets(
  workers: Readonly<Record<WorkerField, { readonly pods: readonly PodView[] }>>,
): PodTarget[] {
  return workerFields.flatMap((field) =>
    workers[field].pods.flatMap(({ name, ip, ready, terminating, phase, containers }) => {
      if (ip === undefined || terminating || phase !== 'Running') return []
      const worker = containers.find((container) => container.name === workerNames[field])
      return [{ pod: name, ip, port: workerPorts[field], incarnation: String(worker?.restartCount ?? 0), ready }]
    }),
  )
}
