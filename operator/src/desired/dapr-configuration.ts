import { names } from '../api/v1alpha1/names.ts'
import { owned } from './object.ts'
import type { Desire } from './types.ts'

/** Dapr takes host:port and a flag; the resource takes a URL, as OpenTelemetry's own settings do. */
const otel = (
  endpoint: string,
): { readonly endpointAddress: string; readonly isSecure: boolean; readonly protocol: string } => ({
  endpointAddress: endpoint.replace(/^https?:\/\//, ''),
  isSecure: endpoint.startsWith('https:'),
  protocol: 'http',
})

/**
 * Settings of the sidecars. Hot reload is off: with it, a Component that cannot start (a wrong broker list) would end every running sidecar
 * at once. Changes of Dapr objects reach the pods through a rolling update instead, which stops at the first pod that does not become ready.
 */
export const daprConfiguration: Desire = (input) => {
  const { metadata, spec } = input.bot
  const { endpoint, samplingRate } = spec.dapr.tracing
  return [
    owned(input, {
      apiVersion: 'dapr.io/v1alpha1',
      kind: 'Configuration',
      name: names.daprConfiguration(metadata.name),
      app: 'todochatbot',
      component: 'dapr',
      stage: 'Dapr',
      body: {
        spec: {
          features: [{ name: 'HotReload', enabled: false }],
          metric: { enabled: true, http: { increasedCardinality: false } },
          tracing: { samplingRate, ...(endpoint === undefined ? {} : { otel: otel(endpoint) }) },
        },
      },
    }),
  ]
}
