import type { Registry } from 'prom-client'

/** The process's metrics: a registry of its own, so that tests and libraries do not share one by accident. */
export interface Metrics {
  readonly registry: Registry
}
