import { Counter, type Registry } from 'prom-client'
import type { TodoChatbotStatus } from '../../../api/v1alpha1/schema/status.ts'
import { milestonesBetween } from './events.ts'

/** Counts the actions of one system that began or ended from one status to the next. */
export type CountRemediations = (
  system: { readonly namespace: string; readonly name: string },
  before: TodoChatbotStatus | undefined,
  after: TodoChatbotStatus,
) => void

/** Registers the counter of remediations. */
export function remediationMetrics(registry: Registry): CountRemediations {
  const actions = new Counter({
    name: 'todochatbot_remediation_actions_total',
    help: 'Actions of the remediation by what became of them: Started, Succeeded, Failed, Cancelled.',
    labelNames: ['namespace', 'system', 'worker', 'signal', 'action', 'result'],
    registers: [registry],
  })
  return ({ namespace, name }, before, after) => {
    for (const { entry, milestone } of milestonesBetween(before, after)) {
      const { worker, signal, action } = entry
      actions.inc({ namespace, system: name, worker, signal, action, result: milestone })
    }
  }
}
