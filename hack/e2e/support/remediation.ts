import { kinds } from '../../../operator/src/kube/kinds.ts'
import type { RemediationStatus, ServiceStatus } from '../../../operator/src/api/v1alpha1/schema/status.ts'
import type { TestCluster } from './cluster.ts'
import { eventNotes } from './events.ts'
import { podSelector } from './rollout.ts'
import type { System } from './system.ts'
import type { Worker } from './workers.ts'

/** What tests of remediation see of one system. */
export interface RemediationView {
  /** Names of a worker's pods that are not being deleted and have not ended. */
  pods(worker: Worker): Promise<readonly string[]>
  /** The only one of {@link pods}. @throws Error when it has none or several */
  pod(worker: Worker): Promise<string>
  /** `status.remediation`, newest first. */
  ledger(): Promise<readonly RemediationStatus[]>
  unhealthy(worker: Worker): Promise<ServiceStatus['unhealthy']>
  /** Notes of the Events with this reason. */
  notes(reason: string): Promise<readonly string[]>
}

/** Looks through the API server only. */
export function remediationOf(cluster: TestCluster, system: System): RemediationView {
  const { namespace } = system
  const pods: RemediationView['pods'] = async (worker) => {
    const found = await cluster.list(kinds.Pod, namespace, podSelector(system.name, worker))
    return found
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .filter((pod) => (pod['status'] as { phase?: string } | undefined)?.phase !== 'Failed')
      .map(({ metadata }) => metadata.name)
  }
  return {
    pods,
    async pod(worker) {
      const [name, ...others] = await pods(worker)
      if (name === undefined || others.length > 0) throw new Error(`${worker} has not one pod`)
      return name
    },
    ledger: async () => (await system.status()).remediation ?? [],
    unhealthy: async (worker) => (await system.status()).services?.find(({ name }) => name === worker)?.unhealthy,
    notes: (reason) => eventNotes(cluster, namespace, reason),
  }
}

/** One line per action, oldest first, with the seconds from `broken` (ms since the epoch) to its end: for the log of a run. */
export const told = (ledger: readonly RemediationStatus[], broken: number): readonly string[] =>
  ledger.toReversed().map(({ worker, signal, action, state, message = '', finishedAt = '' }) => {
    const seconds = Math.round((Date.parse(finishedAt) - broken) / 1000)
    return `${worker}: ${signal}, ${action} ${state} ${seconds} s after it began: ${message}`
  })
