import { kinds } from '../../../operator/src/kube/kinds.ts'
import type { TestCluster } from './cluster.ts'

/** Notes of the Events of a namespace with this reason, such as RolloutFinished; those of all systems in it. */
export const eventNotes = async (
  cluster: TestCluster,
  namespace: string,
  reason: string,
): Promise<readonly string[]> => {
  const events = await cluster.list(kinds.Event, namespace)
  return events.filter((event) => event['reason'] === reason).map((event) => String(event['note']))
}
