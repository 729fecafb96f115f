/** The part of a status that procedures go on from, as opposed to what can be observed again at any time. Pure. */
import type { TodoChatbotStatus } from '../../../api/v1alpha1/schema/status.ts'

/**
 * Everything in a status that a later reconcile acts upon: who was healthy with what, what was refused, how far a remediation or an isolation is.
 * Two statuses with different steps: a procedure has moved on, and what comes next may be done as soon as the newer one is stored.
 *
 * In the first start of a system no worker has a template to return to, so how its workers come up is mere progress: it can be observed again, and
 * only the deadline of what never comes up is counted from when it was first written.
 */
export function stepsOf(status: TodoChatbotStatus | undefined): object {
  const { version, blockedRevisions = [], remediation = [], storm, services = [] } = status ?? {}
  const hasBeenReady = version !== undefined
  return {
    hasBeenReady,
    refused: blockedRevisions.map(({ worker, template }) => [worker, template]),
    remediation: remediation.map(({ id, state }) => [id, state]),
    storm,
    services: services.flatMap(({ name, lastHealthy, rollout, temporary, isolation, raisedMemory }) => {
      const rolled = hasBeenReady ? [lastHealthy?.template, rollout?.template] : []
      const steps = [...rolled, temporary, isolation?.state, raisedMemory]
      return steps.every((one) => one === undefined) ? [] : [[name, ...steps.map((one) => one ?? null)]]
    }),
  }
}
