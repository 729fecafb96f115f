/** The operator as a source of the external metrics API (external.metrics.k8s.io/v1beta1): names both sides agree on. */

/** Metric with the events that wait for a worker; selected by the labels `system` and `worker`. */
export const lagMetric = 'todochatbot-consumer-lag'
