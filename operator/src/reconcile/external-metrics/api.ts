/**
 * The external metrics API (k8s.io/metrics, external.metrics.k8s.io/v1beta1) as far as autoscalers use it: discovery, and the values of one
 * metric in one namespace. Pure: a request becomes an answer.
 * Proof: api.test.ts; operator/test/external-metrics.integration.test.ts through a real kube-apiserver.
 */
import { lagMetric } from '../../desired/external-metrics.ts'
import { labelSelector, SelectorError } from './label-selector.ts'

/** Group and version of the API. */
export const groupVersion = 'external.metrics.k8s.io/v1beta1'

/** One figure. */
export interface MetricValue {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  /** When it was true, ms since the epoch. */
  readonly at: number
}

/** An HTTP answer. */
export interface Answer {
  readonly code: number
  readonly body: Readonly<Record<string, unknown>>
}

/** Values of {@link lagMetric} of all systems in a namespace. */
export type LagValues = (namespace: string) => readonly MetricValue[]

const root = `/apis/${groupVersion}`
const valuesPath = new RegExp(`^${root}/namespaces/([a-z0-9-]+)/([^/]+)$`)

/** Answers a GET. @param target path and query as they came */
export function answer(target: string, lagValues: LagValues): Answer {
  const { pathname, searchParams } = new URL(target, 'https://operator.invalid')
  if (pathname === root || pathname === `${root}/`) return { code: 200, body: resources }
  const [, namespace, metric] = valuesPath.exec(pathname) ?? []
  if (namespace === undefined) return refusal(404, 'NotFound', `${pathname} is not served`)
  if (metric !== lagMetric)
    return refusal(404, 'NotFound', `there is no metric ${metric ?? ''}; this API serves ${lagMetric}`)
  try {
    const matches = labelSelector(searchParams.get('labelSelector') ?? '')
    const items = lagValues(namespace).filter(({ labels }) => matches(labels))
    return { code: 200, body: { ...list, items: items.map(itemOf) } }
  } catch (error) {
    if (!(error instanceof SelectorError)) throw error
    return refusal(400, 'BadRequest', error.message)
  }
}

/** A refusal as the API machinery writes it. */
export function refusal(code: number, reason: string, message: string): Answer {
  return { code, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', code, reason, message } }
}

const list = { kind: 'ExternalMetricValueList', apiVersion: groupVersion, metadata: {} }

const resources = {
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion,
  resources: [{ name: lagMetric, singularName: '', namespaced: true, kind: 'ExternalMetricValueList', verbs: ['get'] }],
}

const itemOf = ({ labels, value, at }: MetricValue): Readonly<Record<string, unknown>> => ({
  metricName: lagMetric,
  metricLabels: labels,
  timestamp: `${new Date(at).toISOString().slice(0, 19)}Z`,
  value: String(value),
})
