/**
 * Looks at consumer groups, offsets, dead letters and replicas of all systems, in the background: a reconcile reads the last report and never
 * waits for a broker.
 *
 * Invariants
 *  - every system is looked at once per `period`; systems on the same cluster share sessions, `batchSize` to each;
 *  - one session per cluster at a time, `parallelSessions` over all clusters; no connection stays open between sessions;
 *  - a cluster that fails after it has answered is asked once more after `retry`, and only then, or when it never answered, its last report is
 *    marked unreachable: a broker or an operator that is busy for seconds should not have every system write its status twice;
 *  - it is asked again less and less often then, and its last report stays;
 *  - `onChange` fires only when something a reconcile could act on changed (digestOf), `onLook` after every look;
 *  - memory only: after a restart everything is looked at again.
 * Proof: kafka-watch.test.ts (fake clock and broker), operator/test/kafka-watch.integration.test.ts (real broker).
 */
import { doorbell, type Doorbell } from '../../apply/doorbell.ts'
import type { WithKafkaAdmin } from '../../apply/kafka-admin.ts'
import { clusterId, type KafkaConnection } from '../../apply/kafka-connection.ts'
import { semaphore } from '../../apply/semaphore.ts'
import { digestOf, emptyReport, reportAfter, type KafkaDeclaration, type KafkaReport } from './kafka-report.ts'

/** See the header of this file. Owners are `namespace/name`. */
export interface KafkaWatch {
  /** Declares what to look at for `owner` and returns what is known. The same declaration again is free. */
  ensure: (owner: string, connection: KafkaConnection, declaration: KafkaDeclaration) => KafkaReport
  /** What is known without declaring anything; undefined when the owner has declared nothing. */
  peek: (owner: string) => KafkaReport | undefined
  /** The owner's broker is not up: nothing is looked at until the next {@link ensure}. What was known stays known. */
  suspend: (owner: string) => void
  release: (owner: string) => void
  /** Ends all sessions and timers. */
  stop: () => Promise<void>
}

/** Times in ms. */
export interface KafkaWatchOptions {
  readonly withAdmin: WithKafkaAdmin
  readonly onChange: (owner: string) => void
  /** After every look, with exact figures; without a report when the owner is released. */
  readonly onLook: (owner: string, report: KafkaReport | undefined) => void
  readonly period: number
  /** Since the epoch. */
  readonly now: () => number
  readonly linger: number
  readonly retry: number
  readonly batchSize: number
  readonly maxBackoff: number
  readonly parallelSessions: number
}

/** Production values beside what has to be given; see {@link KafkaWatchOptions}. */
export const kafkaWatchDefaults = {
  linger: 50,
  retry: 2_000,
  batchSize: 20,
  maxBackoff: 120_000,
  parallelSessions: 4,
} as const satisfies Partial<KafkaWatchOptions>

interface Watched {
  readonly cluster: string
  declaration: KafkaDeclaration
  report: KafkaReport
  digest: string
  dueAt: number
}

interface Cluster {
  readonly connection: KafkaConnection
  readonly owners: Map<string, Watched>
  readonly bell: Doorbell
}

/** Makes a watch. It does nothing until the first declaration. */
export function kafkaWatch(options: KafkaWatchOptions): KafkaWatch {
  const stopping = new AbortController()
  const clusters = new Map<string, Cluster>()
  const clusterOf = new Map<string, string>()
  const suspended = new Map<string, Watched>()
  const loops = new Set<Promise<void>>()
  const slots = semaphore(options.parallelSessions)
  const stopped = (): boolean => stopping.signal.aborted

  const watchedOf = (owner: string): Watched | undefined =>
    clusters.get(clusterOf.get(owner) ?? '')?.owners.get(owner) ?? suspended.get(owner)

  const withdraw = (owner: string): void => {
    suspended.delete(owner)
    const id = clusterOf.get(owner)
    clusterOf.delete(owner)
    const cluster = id === undefined ? undefined : clusters.get(id)
    if (id === undefined || cluster === undefined) return
    cluster.owners.delete(owner)
    if (cluster.owners.size > 0) return
    clusters.delete(id)
    cluster.bell.ring()
  }

  const add = (owner: string, watched: Watched, connection: KafkaConnection): void => {
    const id = watched.cluster
    clusterOf.set(owner, id)
    const known = clusters.get(id)
    known?.owners.set(owner, watched)
    known?.bell.ring()
    if (known !== undefined) return
    const cluster: Cluster = { connection, owners: new Map([[owner, watched]]), bell: doorbell() }
    clusters.set(id, cluster)
    const loop = keep(cluster).finally(() => loops.delete(loop))
    loops.add(loop)
  }

  const keep = async (cluster: Cluster): Promise<void> => {
    let failures = 0
    let doubted = false
    while (!stopped() && cluster.owners.size > 0) {
      const next = Math.min(...[...cluster.owners.values()].map(({ dueAt }) => dueAt)) - options.now()
      if (next > 0) await cluster.bell.wait(next, stopping.signal)
      await doorbell().wait(options.linger, stopping.signal)
      const due = [...cluster.owners].filter(([, { dueAt }]) => dueAt <= options.now()).slice(0, options.batchSize)
      if (stopped() || due.length === 0) continue
      const tells: boolean = doubted || !due.every(([, { report }]) => isWell(report))
      const answered = await slots((): Promise<boolean> => look(cluster, due, tells))
      doubted = !answered && !tells
      failures = answered || doubted ? 0 : failures + 1
      const pause = doubted
        ? Math.min(options.retry, options.period)
        : Math.min(options.period * 2 ** failures, Math.max(options.maxBackoff, options.period))
      const asked = failures === 0 ? due : [...cluster.owners]
      for (const [, watched] of asked) watched.dueAt = options.now() + pause * (0.9 + Math.random() * 0.2)
    }
  }

  /** @param tells also of a failure */
  const look = async (
    cluster: Cluster,
    due: readonly (readonly [string, Watched])[],
    tells: boolean,
  ): Promise<boolean> => {
    if (stopped()) return true
    const declarations = due.map(([owner, watched]) => [owner, watched, watched.declaration] as const)
    const query = {
      topics: [...new Set(declarations.flatMap(([, , { topics }]) => topics))],
      groups: declarations.flatMap(([, , { consumers }]) => consumers),
    }
    try {
      const figures = await options.withAdmin(cluster.connection, (admin) => admin.figures(query), stopping.signal)
      for (const [owner, watched, declaration] of declarations)
        tell(cluster, owner, watched, reportAfter(watched.report, declaration, figures, options.now()))
      return true
    } catch (error) {
      if (stopped()) return true
      if (!tells) return false
      const unreachable = error instanceof Error ? error.message : String(error)
      for (const [owner, watched] of cluster.owners) tell(cluster, owner, watched, { ...watched.report, unreachable })
      return false
    }
  }

  const tell = (cluster: Cluster, owner: string, watched: Watched, report: KafkaReport): void => {
    if (cluster.owners.get(owner) !== watched) return
    const digest = digestOf(report, options.now())
    const changed = digest !== watched.digest
    watched.report = report
    watched.digest = digest
    options.onLook(owner, report)
    if (changed) options.onChange(owner)
  }

  return {
    ensure: (owner, connection, declaration) => {
      const id = clusterId(connection)
      const known = watchedOf(owner)
      if (known?.cluster === id && !suspended.has(owner)) {
        if (JSON.stringify(known.declaration) === JSON.stringify(declaration)) return known.report
        known.declaration = declaration
        known.dueAt = options.now()
        clusters.get(id)?.bell.ring()
        return known.report
      }
      withdraw(owner)
      const report = known?.cluster === id ? known.report : emptyReport
      const dueAt = options.now()
      add(owner, { cluster: id, declaration, report, digest: digestOf(report, dueAt), dueAt }, connection)
      return report
    },
    peek: (owner) => watchedOf(owner)?.report,
    suspend: (owner) => {
      const known = watchedOf(owner)
      if (known === undefined || suspended.has(owner)) return
      withdraw(owner)
      suspended.set(owner, known)
    },
    release: (owner) => {
      if (watchedOf(owner) !== undefined) options.onLook(owner, undefined)
      withdraw(owner)
    },
    stop: async () => {
      stopping.abort()
      await Promise.all(loops)
    },
  }
}

const isWell = ({ at, unreachable }: KafkaReport): boolean => at !== undefined && unreachable === undefined
