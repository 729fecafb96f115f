/**
 * Keeps topics as desired, for many owners on many clusters, without ever making a reconcile wait for a broker.
 *
 * An owner declares its topics with {@link TopicKeeper.ensure} and gets back what is known so far. New or changed declarations are
 * collected for `linger` ms and carried out in one admin session per cluster, so a hundred resources that arrive together cost one
 * connection. When what is known about an owner's topics changes, `onChange` is called with it and it reconciles again.
 *
 * Invariants
 *  - one session per cluster at a time, `parallelSessions` over all clusters; no connection stays open between sessions;
 *  - every cluster with owners is looked at again after `checkPeriod`, so a topic deleted by hand returns without the API server being asked;
 *  - a cluster that fails is retried with exponential backoff; what was known of its topics stays known and is marked unreachable;
 *  - memory only: after a restart the first reconciles declare everything again, and an unchanged cluster costs reads only;
 *  - two owners never declare the same topic of a cluster: conflicts are settled before (topic-claims.ts).
 * Proof: topic-keeper.test.ts (fake clock and brokers), operator/test/topics.integration.test.ts (real broker).
 */
import type { KafkaAdmin, WithKafkaAdmin } from './kafka-admin.ts'
import { clusterId, type KafkaConnection } from './kafka-connection.ts'
import { planTopics, type ActualTopic, type TopicSpec } from './topic-plan.ts'

/** What is known of one topic. */
export interface TopicResult {
  readonly name: string
  readonly state: 'Ready' | 'ShrinkRefused' | 'Failed'
  /** As the brokers hold it; 0 when the topic does not exist. */
  readonly partitions: number
  readonly replicationFactor: number
  readonly message?: string
}

/** What is known of an owner's topics. */
export interface TopicReport {
  /** The latest declaration has not been carried out yet; `topics` and `unreachable` are of an earlier one. */
  readonly pending: boolean
  /** Why the brokers could not be asked the last time, naming them. Absent: they answered. */
  readonly unreachable?: string
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
  readonly linger: number
  readonly firstBackoff: number
  readonly maxBackoff: number
  readonly parallelSessions: number
}

/** Production values beside what has to be given; see {@link TopicKeeperOptions}. */
export const topicKeeperDefaults = {
  linger: 50,
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
    if (cluster?.owners.size !== 0) return
    clusters.delete(id)
    cluster.wake()
  }

  const start = (id: string, connection: KafkaConnection): Cluster => {
    const bell = doorbell()
    const cluster: Cluster = { connection, owners: new Map(), wake: bell.ring }
    clusters.set(id, cluster)
    const loop = keep(cluster, bell.wait).finally(() => loops.delete(loop))
    loops.add(loop)
    return cluster
  }

  /** The loop of one cluster: wait for a declaration or the period, linger, one session, until nobody is left. */
  const keep = async (cluster: Cluster, ring: (ms: number, signal: AbortSignal) => Promise<void>): Promise<void> => {
    let failures = 0
    let lookAgain = 0
    while (!stopped()) {
      await ring(lookAgain, stopping.signal)
      if (cluster.owners.size === 0 || stopped()) return
      await doorbell().wait(options.linger, stopping.signal)
      const reached = await slots(() => settle(cluster))
      failures = reached ? 0 : failures + 1
      lookAgain = reached
        ? jittered(options.checkPeriod)
        : jittered(Math.min(options.maxBackoff, options.firstBackoff * 2 ** Math.min(failures - 1, 16)))
    }
  }

  /** One session: brings the topics of all owners to what is desired and reports to those for whom something changed. */
  const settle = async (cluster: Cluster): Promise<boolean> => {
    const batch = new Map(cluster.owners)
    const specs = [
      ...new Map([...batch.values()].flatMap(({ topics }) => topics).map((spec) => [spec.name, spec])).values(),
    ]
    if (stopped() || specs.length === 0) return true
    let results: ReadonlyMap<string, TopicResult> | undefined
    let unreachable: string | undefined
    try {
      results = await options.withAdmin(
        cluster.connection,
        (admin) => carryOut(admin, specs, (message, detail) => options.log('info', message, detail)),
        stopping.signal,
      )
    } catch (error) {
      unreachable = error instanceof Error ? error.message : String(error)
    }
    for (const [owner, declaration] of batch) {
      if (cluster.owners.get(owner) !== declaration) continue
      const next: TopicReport =
        results === undefined
          ? { ...declaration.report, pending: false, unreachable: unreachable ?? '' }
          : { pending: false, topics: pick(results, declaration.topics) }
      const changed = !sameReport(declaration.report, next)
      declaration.report = next
      if (changed) options.onChange(owner)
    }
    return results !== undefined
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

/** Creates, grows and configures what differs, then reports what the brokers hold afterwards. */
async function carryOut(
  admin: KafkaAdmin,
  specs: readonly TopicSpec[],
  did: (message: string, detail: object) => void,
): Promise<ReadonlyMap<string, TopicResult>> {
  const names = specs.map(({ name }) => name)
  const before = await admin.describe(names)
  const plan = planTopics(specs, before)
  const failures = new Map<string, string>()
  const note = (more: ReadonlyMap<string, string>): void => {
    for (const [name, message] of more) failures.set(name, message)
  }
  note(await admin.create(plan.create))
  note(await admin.grow(plan.grow))
  note(await admin.configure(plan.configure))
  const changes = { created: plan.create, grown: plan.grow, configured: plan.configure }
  for (const [verb, topics] of Object.entries(changes)) {
    if (topics.length > 0) did(`Topics ${verb}`, { topics: topics.map(({ name }) => name) })
  }
  const refused = new Map(plan.refused.map((refusal) => [refusal.name, refusal]))
  // Brokers learn of a change some time after the controller has answered, so what succeeded is believed until the next look.
  const after = new Map(before)
  for (const spec of plan.create) if (!failures.has(spec.name)) after.set(spec.name, spec)
  for (const { name, count } of plan.grow) {
    const live = after.get(name)
    if (live !== undefined && !failures.has(name)) after.set(name, { ...live, partitions: count })
  }
  return new Map(specs.map(({ name }) => [name, result(name, after.get(name), failures.get(name), refused.get(name))]))
}

function result(
  name: string,
  live: ActualTopic | undefined,
  failure: string | undefined,
  refusal: { readonly desired: number; readonly actual: number } | undefined,
): TopicResult {
  const held = { name, partitions: live?.partitions ?? 0, replicationFactor: live?.replicationFactor ?? 0 }
  if (failure !== undefined) return { ...held, state: 'Failed', message: failure }
  if (refusal !== undefined) {
    const message = `has ${refusal.actual} partitions, ${refusal.desired} are asked for; partitions only grow`
    return { ...held, state: 'ShrinkRefused', message }
  }
  return live === undefined
    ? { ...held, state: 'Failed', message: 'not there after it was created' }
    : { ...held, state: 'Ready' }
}

function pick(results: ReadonlyMap<string, TopicResult>, topics: readonly TopicSpec[]): Map<string, TopicResult> {
  const mine = new Map<string, TopicResult>()
  for (const { name } of topics) {
    const found = results.get(name)
    if (found !== undefined) mine.set(name, found)
  }
  return mine
}

const sameSpecs = (a: readonly TopicSpec[], b: readonly TopicSpec[]): boolean => JSON.stringify(a) === JSON.stringify(b)
const sameReport = (a: TopicReport, b: TopicReport): boolean =>
  JSON.stringify({ ...a, topics: [...a.topics] }) === JSON.stringify({ ...b, topics: [...b.topics] })
/** ±10 %, so that many clusters do not come due together. */
const jittered = (ms: number): number => ms * (0.9 + Math.random() * 0.2)

/** `wait` ends when somebody rang since the last wait, after `ms`, or on abort. `ms` 0 waits for a ring only. */
function doorbell(): { ring: () => void; wait: (ms: number, signal: AbortSignal) => Promise<void> } {
  let rung = false
  let open: (() => void) | undefined
  return {
    ring: () => {
      rung = true
      open?.()
    },
    wait: async (ms, signal) => {
      if (!rung && !signal.aborted) {
        const { promise, resolve } = Promise.withResolvers<undefined>()
        const done = (): void => {
          resolve(undefined)
        }
        open = done
        signal.addEventListener('abort', done, { once: true })
        const timer = ms > 0 ? setTimeout(done, ms) : undefined
        await promise
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        open = undefined
      }
      rung = false
    },
  }
}

/** At most `size` at a time; the others queue in order. */
function semaphore(size: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = size
  const queue: (() => void)[] = []
  return async (work) => {
    if (free > 0) free -= 1
    else await new Promise<void>((resolve) => queue.push(resolve))
    try {
      return await work()
    } finally {
      const next = queue.shift()
      if (next === undefined) free += 1
      else next()
    }
  }
}
