/** Evidence before an action: an Incident per entry of status.remediation. */
import type { WorkerName } from '../../../api/v1alpha1/names.ts'
import { KubeError } from '../../../kube/kube-error.ts'
import { ensureIncident, type IncidentTools } from '../../incident/request.ts'
import type { Seen } from '../observe.ts'
import type { Evidence } from './types.ts'

/**
 * Asks for the evidence of the entry in state Evidence, if there is one, and says how it stands. An Incident that cannot be made is no reason
 * not to heal: the entry has a deadline. No request when there is nothing to ask for or it is there.
 */
export async function takeEvidence(
  tools: IncidentTools,
  { bot, paused, fence }: Seen,
  signal: AbortSignal,
): Promise<Evidence> {
  const entry = bot.status?.remediation?.find(({ state }) => state === 'Evidence')
  if (entry === undefined || paused || fence !== undefined) return { finished: false }
  const { id, worker, signal: kind, message = '' } = entry
  const reason = `Remediation because of ${kind}: ${message}`.replaceAll(/\s+/g, ' ').slice(0, 250)
  try {
    const request = {
      worker: worker as WorkerName,
      trigger: 'Remediation',
      id,
      reason,
      by: 'todochatbot-operator',
    } as const
    const { name, settled } = await ensureIncident(tools, bot, request, signal)
    return { incident: name, finished: settled }
  } catch (error) {
    if (!(error instanceof KubeError)) throw error
    return { finished: false, problem: error.message }
  }
}
