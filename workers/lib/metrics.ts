import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Database } from './postgres.ts'
import { createRecentOutcomes, type RecentOutcomes } from './recent-outcomes.ts'

/** Counters of the outbox relay. */
export interface OutboxMetrics {
  readonly published: Counter<'topic'>
  readonly failures: Counter<'topic'>
  /** Rows waiting, as last counted by a relay that holds shards. */
  readonly pending: Gauge
  /** Age of the oldest waiting row in seconds, 0 when none waits. */
  readonly oldestAge: Gauge
  readonly shardsHeld: Gauge
  /** Keys whose head event the broker refuses and that therefore wait; above 0 for minutes means someone has to look. */
  readonly blockedKeys: Gauge
}

/** Counters of event consumption. */
export interface InboxMetrics {
  /** `outcome`: processed, duplicate, ignored (a type nobody here wants), retried, dropped (poison). */
  readonly deliveries: Counter<'topic' | 'outcome'>
  readonly duration: Histogram<'topic'>
  /** Seconds from the event's time to the commit of its effect. */
  readonly lag: Histogram<'topic'>
}

/** One registry per process, and the instruments every worker has; a worker adds its own with `registers: [registry]`. */
export interface Metrics {
  readonly registry: Registry
  /** `route` is the route's pattern, never the URL, and `status` its class (`2xx`): labels stay bounded. */
  readonly httpDuration: Histogram<'method' | 'route' | 'status'>
  readonly queryDuration: Histogram
  /** Statements slower than `spec.database.slowQueryThreshold`. */
  readonly slowQueries: Counter
  readonly outbox: OutboxMetrics
  readonly inbox: InboxMetrics
  /** Requests and events of the last minute: /health tells them, and the operator judges a rollout by them. */
  readonly outcomes: RecentOutcomes
  /** Reports the pool's connections by state from now on. */
  observePool(database: Pick<Database, 'stats'>): void
}

const latencyBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const lagBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800]

/** Names follow Prometheus' conventions: base units, `_total` on counters, `todochatbot_` before what is ours. */
export const createMetrics = (options: { readonly service: string; readonly version: string }): Metrics => {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'todochatbot_build_info',
    help: 'Always 1; the labels say what runs.',
    labelNames: ['service', 'version'],
    registers,
  }).set({ service: options.service, version: options.version }, 1)
  const counter = <L extends string>(name: string, help: string, labelNames: L[]): Counter<L> =>
    new Counter({ name, help, labelNames, registers })
  const gauge = (name: string, help: string): Gauge => new Gauge({ name, help, registers })
  const histogram = <L extends string>(name: string, help: string, labelNames: L[], buckets = latencyBuckets) =>
    new Histogram({ name, help, labelNames, buckets, registers })
  return {
    registry,
    httpDuration: histogram('http_request_duration_seconds', 'Time from request to response.', [
      'method',
      'route',
      'status',
    ]),
    queryDuration: histogram('todochatbot_database_query_duration_seconds', 'Time of one statement.', []),
    slowQueries: counter('todochatbot_database_slow_queries_total', 'Statements slower than the threshold.', []),
    outbox: {
      published: counter('todochatbot_outbox_published_total', 'Events the broker acknowledged.', ['topic']),
      failures: counter('todochatbot_outbox_publish_failures_total', 'Events a publish attempt failed for.', ['topic']),
      pending: gauge('todochatbot_outbox_pending', 'Events waiting to be published.'),
      oldestAge: gauge('todochatbot_outbox_oldest_age_seconds', 'Age of the oldest waiting event.'),
      shardsHeld: gauge('todochatbot_outbox_shards_held', 'Shards this process publishes.'),
      blockedKeys: gauge('todochatbot_outbox_blocked_keys', 'Keys whose next event the broker refuses.'),
    },
    inbox: {
      deliveries: counter('todochatbot_deliveries_total', 'Events delivered, by what became of them.', [
        'topic',
        'outcome',
      ]),
      duration: histogram('todochatbot_delivery_duration_seconds', 'Time to handle one delivery.', ['topic']),
      lag: histogram(
        'todochatbot_event_lag_seconds',
        'From the time of an event to its effect.',
        ['topic'],
        lagBuckets,
      ),
    },
    outcomes: createRecentOutcomes(() => performance.now()),
    observePool: (database) => {
      new Gauge({
        name: 'todochatbot_database_connections',
        help: 'Connections of the pool by state; waiting counts callers without one.',
        labelNames: ['state'],
        registers,
        collect() {
          for (const [state, count] of Object.entries(database.stats())) this.set({ state }, count)
        },
      })
    },
  }
}
