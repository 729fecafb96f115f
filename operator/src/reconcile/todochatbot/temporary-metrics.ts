import { Gauge, type Registry } from 'prom-client'
import { isolationAt } from '../../api/v1alpha1/isolation.ts'
import { workerNames } from '../../api/v1alpha1/names.ts'
import { parseTodoChatbot } from '../../api/v1alpha1/parse.ts'
import { workerFields } from '../../api/v1alpha1/schema/services.ts'
import { temporariesAt } from '../../api/v1alpha1/temporary.ts'
import type { Informer } from '../../runtime/informer.ts'

/** Name of the gauge: how long what was set for a time goes on, in seconds. */
export const temporarySecondsLeft = 'todochatbot_temporary_seconds_left'

/** Registers the gauge. It is computed when it is asked for, from the resources in memory; what has ended is not shown. @param now ms since the epoch */
export function temporaryMetrics(registry: Registry, bots: Pick<Informer, 'list'>, now: () => number): void {
  const gauge = new Gauge({
    name: temporarySecondsLeft,
    help: 'Seconds until a temporary setting of a worker ends by itself.',
    labelNames: ['namespace', 'system', 'worker', 'kind'] as const,
    registers: [registry],
    collect: () => {
      gauge.reset()
      for (const resource of bots.list()) {
        const parsed = parseTodoChatbot(resource)
        if (!parsed.ok) continue
        const { namespace, name: system } = parsed.bot.metadata
        for (const { worker, kind, until } of temporariesAt(parsed.bot, now()))
          gauge.set(
            { namespace, system, worker: workerNames[worker], kind: kind.toLowerCase() },
            (Date.parse(until) - now()) / 1000,
          )
        for (const worker of workerFields) {
          const isolated = isolationAt(parsed.bot, worker, now())
          if (isolated === undefined) continue
          gauge.set(
            { namespace, system, worker: workerNames[worker], kind: 'isolation' },
            (Date.parse(isolated.until) - now()) / 1000,
          )
        }
      }
    },
  })
}
