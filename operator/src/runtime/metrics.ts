import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** Metrics of the runtime. Names and labels are those of controller-runtime and client-go, so that existing dashboards work. */
export interface Metrics {
  /** A registry of its own: tests and libraries do not share one by accident. */
  readonly registry: Registry
  readonly reconcileTotal: Counter<'controller' | 'result'>
  readonly reconcileErrors: Counter<'controller'>
  readonly terminalReconcileErrors: Counter<'controller'>
  readonly reconcileSeconds: Histogram<'controller'>
  readonly maxConcurrentReconciles: Gauge<'controller'>
  readonly activeWorkers: Gauge<'controller'>
  readonly queueDepth: Gauge<'name'>
  readonly queueAdds: Counter<'name'>
  readonly queueRetries: Counter<'name'>
  readonly queueSeconds: Histogram<'name'>
  readonly workSeconds: Histogram<'name'>
  /**
   * Shows the work under way of a queue at every scrape: a reconcile that hangs is in no histogram, since it never ends.
   * @param working ms for which each key has been worked on
   */
  readonly showWorkUnderWay: (name: string, working: () => readonly number[]) => void
  readonly requests: Counter<'code' | 'method'>
  readonly listTotal: Counter<'kind' | 'mode'>
  readonly watchTotal: Counter<'kind'>
  readonly watchFailures: Counter<'kind' | 'reason'>
  readonly watchLastEventAge: Gauge<'kind'>
  readonly informerObjects: Gauge<'kind'>
  readonly isLeader: Gauge<'name'>
  readonly eventsDropped: Counter
}

const SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** Makes the registry with all metrics of the runtime. Event loop delay is sampled until `stop` is called. */
export const createMetrics = (): Metrics & { readonly stop: () => void } => {
  const registry = new Registry()
  const registers = [registry]
  const counter = <L extends string = never>(name: string, help: string, ...labelNames: L[]): Counter<L> =>
    new Counter({ name, help, labelNames, registers })
  const gauge = <L extends string>(name: string, help: string, ...labelNames: L[]): Gauge<L> =>
    new Gauge({ name, help, labelNames, registers })
  const histogram = <L extends string>(name: string, help: string, ...labelNames: L[]): Histogram<L> =>
    new Histogram({ name, help, labelNames, registers, buckets: SECONDS })
  const loopDelay = monitorEventLoopDelay({ resolution: 20 })
  loopDelay.enable()
  registerProcessMetrics(registry, loopDelay)

  return {
    registry,
    reconcileTotal: counter('controller_runtime_reconcile_total', 'Reconciles by result.', 'controller', 'result'),
    reconcileErrors: counter('controller_runtime_reconcile_errors_total', 'Reconciles that failed.', 'controller'),
    terminalReconcileErrors: counter(
      'controller_runtime_terminal_reconcile_errors_total',
      'Reconciles that failed and are not retried.',
      'controller',
    ),
    reconcileSeconds: histogram('controller_runtime_reconcile_time_seconds', 'Length of reconciles.', 'controller'),
    maxConcurrentReconciles: gauge(
      'controller_runtime_max_concurrent_reconciles',
      'Reconciles that may run at once.',
      'controller',
    ),
    activeWorkers: gauge('controller_runtime_active_workers', 'Reconciles running now.', 'controller'),
    queueDepth: gauge('workqueue_depth', 'Keys waiting.', 'name'),
    queueAdds: counter('workqueue_adds_total', 'Keys added.', 'name'),
    queueRetries: counter('workqueue_retries_total', 'Keys added with backoff.', 'name'),
    queueSeconds: histogram('workqueue_queue_duration_seconds', 'Time keys waited.', 'name'),
    workSeconds: histogram('workqueue_work_duration_seconds', 'Time keys were worked on.', 'name'),
    showWorkUnderWay: workUnderWay(registry),
    requests: counter('rest_client_requests_total', 'Requests to the API server; code 0: no answer.', 'code', 'method'),
    listTotal: counter('informer_lists_total', 'Snapshots requested.', 'kind', 'mode'),
    watchTotal: counter('informer_watches_total', 'Watches opened from a version.', 'kind'),
    watchFailures: counter('informer_failures_total', 'Lists and watches that failed.', 'kind', 'reason'),
    watchLastEventAge: gauge(
      'informer_last_event_timestamp_seconds',
      'When the API server last said anything, bookmarks included.',
      'kind',
    ),
    informerObjects: gauge('informer_objects', 'Objects in the store.', 'kind'),
    isLeader: gauge('leader_election_master_status', '1 while this process holds the lease.', 'name'),
    eventsDropped: counter('event_recorder_dropped_total', 'Kubernetes Events that could not be written.'),
    stop: () => {
      loopDelay.disable()
      registry.clear()
    },
  }
}

/** Two gauges over the queues that were declared; both ask when they are scraped. */
const workUnderWay = (registry: Registry): Metrics['showWorkUnderWay'] => {
  const queues = new Map<string, () => readonly number[]>()
  const collected = (name: string, help: string, of: (working: readonly number[]) => number): void => {
    const metric: Gauge<'name'> = new Gauge({
      name,
      help,
      labelNames: ['name'],
      registers: [registry],
      collect: () => {
        for (const [queue, working] of queues) metric.set({ name: queue }, of(working()) / 1000)
      },
    })
  }
  collected(
    'workqueue_unfinished_work_seconds',
    'Time worked on keys that are not done, over all of them.',
    (working) => working.reduce((sum, one) => sum + one, 0),
  )
  collected(
    'workqueue_longest_running_processor_seconds',
    'Time worked on the key that has been worked on longest and is not done.',
    (working) => Math.max(0, ...working),
  )
  return (name, working) => queues.set(name, working)
}

/** The few process metrics that are read; prom-client's own set keeps a GC observer and costs more than it tells. */
const registerProcessMetrics = (registry: Registry, loopDelay: ReturnType<typeof monitorEventLoopDelay>): void => {
  const collected = (name: string, help: string, read: () => number): void => {
    const metric: Gauge = new Gauge({ name, help, registers: [registry], collect: () => metric.set(read()) })
  }
  collected('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss())
  collected('nodejs_heap_size_used_bytes', 'Heap in use.', () => process.memoryUsage().heapUsed)
  collected('process_cpu_seconds_total', 'CPU time of user and system.', () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  })
  collected('process_start_time_seconds', 'Start, Unix time.', () => Date.now() / 1000 - process.uptime())
  collected(
    'nodejs_eventloop_lag_p99_seconds',
    '99th percentile of the event loop delay since the last scrape.',
    () => {
      const seconds = loopDelay.percentile(99) / 1e9
      loopDelay.reset()
      return seconds
    },
  )
}
