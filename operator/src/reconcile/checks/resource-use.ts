/** resource-use: CPU and memory of containers against their limits, as the metrics API tells them (metrics.k8s.io, one list per round). */
import { workerNames } from '../../api/v1alpha1/names.ts'
import { workerFields } from '../../api/v1alpha1/schema/services.ts'
import type { ResolvedTodoChatbot } from '../../api/v1alpha1/defaults.ts'
import { label } from '../../api/v1alpha1/labels.ts'
import type { KubeClient } from '../../kube/client.ts'
import { KubeError } from '../../kube/kube-error.ts'
import { kinds } from '../../kube/kinds.ts'
import type { KubeObject } from '../../kube/object.ts'
import { found, passed, type CheckFamily, type Outcome } from './check.ts'
import { percent, some } from './figures.ts'

/** Amounts in cores and bytes. */
export interface Amounts {
  readonly cpu?: number | undefined
  readonly memory?: number | undefined
}

/** One container. */
export interface ContainerUse {
  readonly pod: string
  readonly container: string
  readonly use: Amounts
  readonly limits: Amounts
}

/** A quantity of the metrics API, such as `12345678n`, `250m` or `64Mi`, in cores or bytes; undefined when it is none. */
export function amountOf(text: string | undefined): number | undefined {
  const [, digits, suffix = ''] = /^([0-9.]+)([a-zA-Z]*)$/.exec(text ?? '') ?? []
  const factor = factors[suffix]
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor
}
const factors: Readonly<Record<string, number>> = {
  ...{ n: 1e-9, u: 1e-6, m: 1e-3, '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 },
}

/** Judges every container that has a limit. */
export function judgeUse(containers: readonly ContainerUse[]): Outcome {
  const name = 'resource-use'
  if (containers.length === 0) return found(name, 'Unknown', 'the metrics API knows none of the pods yet')
  const shares = containers.flatMap(({ pod, container, use, limits }) =>
    (['memory', 'cpu'] as const).flatMap((resource) => {
      const [used, limit] = [use[resource], limits[resource]]
      return used === undefined || limit === undefined || limit === 0
        ? []
        : [
            {
              share: used / limit,
              resource,
              said: `container ${container} of Pod/${pod}: ${percent(used / limit)} of its ${resource} limit`,
            },
          ]
    }),
  )
  const high = shares.filter(({ share }) => share >= 0.85).sort((a, b) => b.share - a.share)
  const figure = `at most ${percent(Math.max(0, ...shares.map(({ share }) => share)))}`
  if (high.length === 0) return passed(name, figure.replace('at most under', 'under'))
  const failed = high.some(({ share, resource }) => resource === 'memory' && share >= 0.95)
  return found(name, failed ? 'Failed' : 'Warning', some(high.map(({ said }) => said)), figure)
}

/** Limits by pod prefix would guess; the name of the container says which limit of the spec is meant. */
function limitsOf(bot: ResolvedTodoChatbot, container: string): Amounts {
  const { spec } = bot
  const field = workerFields.find((one) => workerNames[one] === container)
  const resources =
    field !== undefined
      ? spec.services[field].resources
      : container === 'daprd'
        ? spec.dapr.sidecarResources
        : container === 'kafka'
          ? spec.kafka.resources
          : container === 'postgresql'
            ? spec.database.resources
            : container === 'redis'
              ? spec.stateStore.resources
              : undefined
  const limits = (resources as { limits?: { cpu?: string; memory?: string } } | undefined)?.limits
  return { cpu: amountOf(limits?.cpu), memory: amountOf(limits?.memory) }
}

interface PodMetrics extends KubeObject {
  readonly containers?: readonly {
    readonly name: string
    readonly usage?: { readonly cpu?: string; readonly memory?: string }
  }[]
}

/** The family. */
export const resourceUse = (client: Pick<KubeClient, 'list'>): CheckFamily => ({
  names: ['resource-use'],
  check: async ({ observed: { seen } }, signal) => {
    const { name: system, namespace } = seen.bot.metadata
    const labelSelector = `${label.instance}=${system},${label.partOf}=todochatbot`
    try {
      const { items } = await client.list(kinds.PodMetrics, { namespace, labelSelector, signal })
      const containers = (items as readonly PodMetrics[]).flatMap((pod) =>
        (pod.containers ?? []).map(({ name, usage }) => ({
          pod: pod.metadata.name,
          container: name,
          use: { cpu: amountOf(usage?.cpu), memory: amountOf(usage?.memory) },
          limits: limitsOf(seen.resolved, name),
        })),
      )
      return { outcomes: [judgeUse(containers)] }
    } catch (error) {
      if (!(error instanceof KubeError) || ![403, 404, 503].includes(error.status)) throw error
      return {
        outcomes: [found('resource-use', 'Unknown', 'the cluster does not serve metrics.k8s.io to the operator')],
      }
    }
  },
})
