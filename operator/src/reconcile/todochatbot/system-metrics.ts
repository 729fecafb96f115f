import { Gauge, type Registry } from 'prom-client'
import type { TodoChatbotStatus } from '../../api/v1alpha1/schema/status.ts'
import type { KubeObject } from '../../kube/object.ts'

/** What {@link systemMetrics} reads. */
export interface SystemMetricsOptions {
  readonly registry: Registry
  /** Every TodoChatbot; none while another process leads, so that each series exists once. */
  readonly systems: () => readonly KubeObject[]
}

/**
 * Registers what the statuses say as metrics. They are read from the cache when somebody scrapes, so nothing has to be kept up to date and the
 * series of a deleted system are gone with it. A condition has one series, with the status it has; value 1.
 */
export function systemMetrics({ registry, systems }: SystemMetricsOptions): {
  readonly ran: (key: string) => void
  readonly forget: (key: string) => void
} {
  const registers = [registry]
  const lastRun = new Map<string, number>()
  const each = (visit: (labels: { namespace: string; name: string }, status: TodoChatbotStatus) => void): void => {
    for (const object of systems()) {
      const { name, namespace = '' } = object.metadata
      const status = object['status'] as TodoChatbotStatus | undefined
      if (status !== undefined) visit({ namespace, name }, status)
    }
  }
  new Gauge({
    name: 'todochatbot_condition',
    help: 'Conditions of a TodoChatbot: 1 for the status each has.',
    labelNames: ['namespace', 'name', 'type', 'status', 'reason'],
    registers,
    collect() {
      this.reset()
      each((labels, { conditions = [] }) => {
        for (const { type, status, reason } of conditions) this.set({ ...labels, type, status, reason }, 1)
      })
    },
  })
  new Gauge({
    name: 'todochatbot_check',
    help: 'Routine checks of a TodoChatbot: 1 for the result each has.',
    labelNames: ['namespace', 'name', 'check', 'result'],
    registers,
    collect() {
      this.reset()
      each((labels, { checks = [] }) => {
        for (const { name: check, result } of checks) this.set({ ...labels, check, result }, 1)
      })
    },
  })
  new Gauge({
    name: 'todochatbot_checks_last_run_timestamp_seconds',
    help: 'When the routine checks of a TodoChatbot last ran, Unix time.',
    labelNames: ['namespace', 'name'],
    registers,
    collect() {
      this.reset()
      for (const [key, at] of lastRun) {
        const [namespace = '', name = ''] = key.split('/')
        this.set({ namespace, name }, at)
      }
    },
  })
  return {
    ran: (key) => lastRun.set(key, Date.now() / 1000),
    forget: (key) => lastRun.delete(key),
  }
}
