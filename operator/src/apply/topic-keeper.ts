/**
 * Keeps topics as desired, for many owners on many clusters, without ever making a reconcile wait for a broker.
 *
 * An owner declares its topics with {@link TopicKeeper.ensure} and gets back what is known so far. New or changed declarations are
 * collected for `linger` ms and carried out by up to `batchSize` owners per admin session, so a hundred resources that arrive together cost
 * one connection. When what is known about an owner's topics changes, `onChange` is called with it and it reconciles again.
 *
 * Invariants
 *  - one session per cluster at a time, `parallelSessions` over all clusters; no connection stays open between sessions;
 *  - every cluster with owners is looked at again after `checkPeriod`, so a topic deleted by hand returns without the API server being asked;
 *  - a cluster that fails is retried with exponential backoff; what was known of its topics stays known and is marked unreachable;
 *  - memory only: after a restart the first reconciles declare everything again, and an unchanged cluster costs reads only;
 *  - two owners never declare the same topic of a cluster: conflicts are settled before (topic-claims.ts).
 * Proof: topic-keeper.test.ts (fake clock and brokers), operator/test/topics.integration.test.ts (real broker).
 */
import { doorbell } from './doorbell.ts'
import { KafkaUnreachable, type WithKafkaAdmin } from './kafka-admin.ts'
import { clusterId, type KafkaConnection } from './kafka-connection.ts'
import { semaphore } from './semaphore.ts'
import type { TopicSpec } from './topic-plan.ts'
import { carryOut, type TopicResult } from './topic-session.ts'

/** What is known of an owner's topics. */
export interface TopicReport {
  /** The latest declaration has not been carried out yet; `topics` and `unreachable` are of an earlier one. */
  readonly pending: boolean
  /** Why the brokers could not be asked the last time, naming them. Absent: they answered. */
  readonly unreachable?: string
  /** They could not be asked because they refused the login. */
  readonly credentialsRefused?: true
  readonly topics: ReadonlyMap<string, TopicResult>
}

/** See the header of this file. */
export interface TopicKeeper {
  /** Declares everything `owner` wants. The same declaration again is free. */
  ensure(owner: string, connection: KafkaConnection, topics: readonly TopicSpec[]): TopicReport
  /** What is known without declaring anything; undefined when the owner has declared nothing. */
  peek(owner: string): TopicReport | undefined
  /** The owner's broker is not up: nothing is checked until the next {@link ensure}, which then looks again at once. */
  suspend(owner: string): void
  /** The owner is gone: nothing is checked for it any more and nothing is known of it. Topics stay. */
  release(owner: string): void
  /** Removes topics in a session of its own. Throws KafkaUnreachable; resolves to the topics Kafka refused to remove, with its message. */
  remove(
    connection: KafkaConnection,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string>>
  /** Ends all sessions and timers. */
  stop(): Promise<void>
}

/** Times in ms. */
export interface TopicKeeperOptions {
  readonly withAdmin: WithKafkaAdmin
  readonly onChange: (owner: string) => void
  readonly log: (level: 'info' | 'warn', message: string, detail: object) => void
  readonly checkPeriod: number
  /** Monotonic. */
  readonly now: () => number
  readonly linger: number
  /** Owners per session. */
  readonly batchSize: number
  readonly firstBackoff: number
  readonly maxBackoff: number
  readonly parallelSessions: number
}

/** Production values beside what has to be given; see {@link TopicKeeperOptions}. */
export const topicKeeperDefaults = {
  linger: 50,
  batchSize: 100,
  firstBackoff: 1_000,
  maxBackoff: 30_000,
  parallelSessions: 8,
} as const satisfies Partial<TopicKeeperOptions>

interface Declaration {
  readonly cluster: string
  readonly topics: readonly TopicSpec[]
  report: TopicReport
}

interface Cluster {
  readonly connection: KafkaConnection
  readonly owners: Map<string, Declaration>
  /** Owners to look at in the next session. */
  readonly due: Set<string>
  readonly wake: () => void
}

/** Makes a keeper. It does nothing until the first declaration. */
export function topicKeeper(options: TopicKeeperOptions): TopicKeeper {
  const stopping = new AbortController()
  const clusters = new Map<string, Cluster>()
  const clusterOf = new Map<string, string>()
  const suspended = new Map<string, Declaration>()
  const loops = new Set<Promise<void>>()
  const slots = semaphore(options.parallelSessions)
  const stopped = (): boolean => stopping.signal.aborted

  const declarationOf = (owner: string): Declaration | undefined =>
    clusters.get(clusterOf.get(owner) ?? '')?.owners.get(owner) ?? suspended.get(owner)

  const withdraw = (owner: string): void => {
    suspended.delete(owner)
    const id = clusterOf.get(owner)
    if (id === undefined) return
    clusterOf.delete(owner)
    const cluster = clusters.get(id)
    cluster?.owners.delete(owner)
    cluster?.due.delete(owner)
    if (cluster?.owners.size !== 0) return
    clusters.delete(id)
    cluster.wake()
  }

  const start = (id: string, connection: KafkaConnection): Cluster => {
    const bell = doorbell()
    const cluster: Cluster = { connection, owners: new Map(), due: new Set(), wake: bell.ring }
    clusters.set(id, cluster)
    const loop = keep(cluster, bell.wait).finally(() => loops.delete(loop))
    loops.add(loop)
    return cluster
  }

  /** The loop of one cluster: wait for a declaration or the period, linger, a session per batch, until nobody is left. */
  const keep = async (cluster: Cluster, ring: (ms: number, signal: AbortSignal) => Promise<void>): Promise<void> => {
    let failures = 0
    let checkAt = options.now() + jittered(options.checkPeriod)
    while (!stopped()) {
      const backoff = jittered(Math.min(options.maxBackoff, options.firstBackoff * 2 ** Math.min(failures - 1, 16)))
      if (failures > 0) await ring(backoff, stopping.signal)
      else if (cluster.due.size === 0) await ring(Math.max(1, checkAt - options.now()), stopping.signal)
      if (cluster.owners.size === 0 || stopped()) return
      await doorbell().wait(options.linger, stopping.signal)
      if (options.now() >= checkAt) {
        for (const owner of cluster.owners.keys()) cluster.due.add(owner)
        checkAt = options.now() + jittered(options.checkPeriod)
      }
      failures = (await slots(() => settle(cluster))) ? 0 : failures + 1
    }
  }

  /** One session: brings the topics of a batch to what is desired and reports to those for whom something changed. */
  const settle = async (cluster: Cluster): Promise<boolean> => {
    const batch = [...cluster.due].slice(0, options.batchSize).flatMap((owner) => {
      const declaration = cluster.owners.get(owner)
      return declaration === undefined ? [] : [[owner, declaration] as const]
    })
    const specs = [...new Map(batch.flatMap(([, { topics }]) => topics).map((spec) => [spec.name, spec])).values()]
    if (stopped()) return true
    try {
      const results =
        specs.length === 0
          ? new Map<string, TopicResult>()
          : await options.withAdmin(
              cluster.connection,
              (admin) => carryOut(admin, specs, (message, detail) => options.log('info', message, detail)),
              stopping.signal,
            )
      for (const [owner, declaration] of batch) {
        if (cluster.owners.get(owner) !== declaration) continue
        cluster.due.delete(owner)
        tell(owner, declaration, { pending: false, topics: pick(results, declaration.topics) })
      }
      return true
    } catch (error) {
      const unreachable = error instanceof Error ? error.message : String(error)
      const refused = error instanceof KafkaUnreachable && error.credentialsRefused
      for (const [owner, declaration] of cluster.owners) {
        cluster.due.add(owner)
        const report = { pending: false, unreachable, topics: declaration.report.topics }
        tell(owner, declaration, refused ? { ...report, credentialsRefused: true } : report)
      }
      return false
    }
  }

  const tell = (owner: string, declaration: Declaration, report: TopicReport): void => {
    const changed = !sameReport(declaration.report, report)
    declaration.report = report
    if (changed) options.onChange(owner)
  }

  return {
    ensure: (owner, connection, topics) => {
      const id = clusterId(connection)
      const known = declarationOf(owner)
      const sameCluster = known?.cluster === id
      if (sameCluster && !suspended.has(owner) && sameSpecs(known.topics, topics)) return known.report
      withdraw(owner)
      const cluster = clusters.get(id) ?? start(id, connection)
      const report = {
        pending: true,
        topics: known?.cluster === id ? known.report.topics : new Map<string, TopicResult>(),
      }
      cluster.owners.set(owner, { cluster: id, topics, report })
      cluster.due.add(owner)
      clusterOf.set(owner, id)
      cluster.wake()
      return report
    },
    peek: (owner) => declarationOf(owner)?.report,
    suspend: (owner) => {
      const known = declarationOf(owner)
      if (known === undefined) return
      withdraw(owner)
      suspended.set(owner, known)
    },
    release: withdraw,
    remove: async (connection, names, signal) =>
      options.withAdmin(connection, (admin) => admin.remove(names), AbortSignal.any([signal, stopping.signal])),
    stop: async () => {
      stopping.abort()
      await Promise.all(loops)
    },
  }
}

function pick(results: ReadonlyMap<string, TopicResult>, topics: readonly TopicSpec[]): Map<string, TopicResult> {
  const mine = new Map<string, TopicResult>()
  for (const { name } of topics) {
    const found = results.get(name)
    if (found !== undefined) mine.set(name, found)
  }
  return mine
}

const sameSpecs = (a: readonly TopicSpec[], b: readonly TopicSpec[]): boolean =>
  a === b || JSON.stringify(a) === JSON.stringify(b)
const sameReport = (a: TopicReport, b: TopicReport): boolean =>
  JSON.stringify({ ...a, topics: [...a.topics] }) === JSON.stringify({ ...b, topics: [...b.topics] })
/** ±10 %, so that many clusters do not come due together. */
const jittered = (ms: number): number => ms * (0.9 + Math.random() * 0.2)
