/**
 * The only file of the operator, with the others named kafka-*, that knows a Kafka client library. kafkajs 2.2.4 speaks every admin request needed
 * here to Kafka 4.x, but
 *  - an idle connection makes it poll about once per millisecond (kafkajs#1556), so a session connects, works and disconnects;
 *  - its timeouts cover single requests, so the whole session has a deadline of its own;
 *  - it has no IncrementalAlterConfigs, so configurations are read, merged and written (topic-plan.ts);
 *  - a batch request reports only its first error, so a failed batch is repeated topic by topic to learn which topic is at fault.
 * Proof: operator/test/topics.integration.test.ts and kafka-security.integration.test.ts (TLS, SASL), against real brokers.
 */
import type { LookupFunction } from 'node:net'
import { connect as connectPlain, isIP } from 'node:net'
import { connect as connectTls } from 'node:tls'
import kafkajs, { type Admin, type KafkaConfig, type LogEntry } from 'kafkajs'
import type { KafkaConnection } from './kafka-connection.ts'
import { clusterOf, type KafkaCluster } from './kafka-cluster.ts'
import { readFigures, type FiguresQuery, type KafkaFigures } from './kafka-figures.ts'
import { describeTopics } from './kafka-topics.ts'
import type { ActualTopic, TopicPlan, TopicSpec } from './topic-plan.ts'

/** What went wrong per topic; topics that are not in it succeeded. Messages are Kafka's own, e.g. "Replication factor: 3 larger than available brokers: 1". */
export type TopicFailures = ReadonlyMap<string, string>

/** An open admin session. Its requests end with the session's deadline. */
export interface KafkaAdmin {
  /** Those of `names` that exist. Asks about existing topics only: a metadata request for a missing one may create it. */
  describe(names: readonly string[]): Promise<ReadonlyMap<string, ActualTopic>>
  /** Every topic the login may see. */
  list(): Promise<readonly string[]>
  create(topics: readonly TopicSpec[]): Promise<TopicFailures>
  grow(topics: TopicPlan['grow']): Promise<TopicFailures>
  configure(topics: TopicPlan['configure']): Promise<TopicFailures>
  /** Topics that do not exist count as removed. */
  remove(names: readonly string[]): Promise<TopicFailures>
  /** Offsets, groups and replicas as they are now; changes nothing. */
  figures(query: FiguresQuery): Promise<KafkaFigures>
}

/** Opens a session, runs `work` in it and closes it, whatever happens. Throws {@link KafkaUnreachable} when no broker answers in time. */
export type WithKafkaAdmin = <T>(
  connection: KafkaConnection,
  work: (admin: KafkaAdmin) => Promise<T>,
  signal: AbortSignal,
) => Promise<T>

/** No session with the cluster: connection refused, name unknown, credentials refused, or no answer before the deadline. */
export class KafkaUnreachable extends Error {
  readonly brokers: readonly string[]
  /** A broker answered and refused the login: waiting does not help, another password or mechanism does. */
  readonly credentialsRefused: boolean
  constructor(brokers: readonly string[], cause: unknown) {
    super(`${brokers.join(', ')}: ${describeCause(cause)}`, { cause })
    this.name = 'KafkaUnreachable'
    this.brokers = brokers
    this.credentialsRefused = isLoginRefusal(cause)
  }
}

/** Settings of {@link kafkaAdmin}; times in ms. */
export interface KafkaAdminOptions {
  readonly clientId: string
  /** For one session, connecting included. */
  readonly deadline: number
  readonly log: (level: 'debug' | 'warn', message: string, detail: object) => void
  /** Name lookup for an operator that runs outside the cluster; without it the host's resolver decides. */
  readonly lookup?: LookupFunction
}

/** Makes the function that opens admin sessions. */
export function kafkaAdmin(options: KafkaAdminOptions): WithKafkaAdmin {
  return async (connection, work, signal) => {
    const kafka = new kafkajs.Kafka(clientConfig(connection, options))
    const admin = kafka.admin()
    const cluster = clusterOf(kafka)
    const expired = AbortSignal.any([signal, AbortSignal.timeout(options.deadline)])
    try {
      await orAbort(admin.connect(), expired).catch((cause: unknown) => {
        throw new KafkaUnreachable(connection.brokers, cause)
      })
      return await orAbort(work(session(admin, cluster)), expired)
    } catch (error) {
      if (error instanceof KafkaUnreachable || !isConnectionLoss(error, expired)) throw error
      throw new KafkaUnreachable(connection.brokers, error)
    } finally {
      for (const one of [admin, cluster])
        one.disconnect().catch((error: unknown) => options.log('debug', 'Kafka session not closed', { error }))
    }
  }
}

function session(admin: Admin, cluster: KafkaCluster): KafkaAdmin {
  const describe: KafkaAdmin['describe'] = async (names) => {
    await cluster.connect()
    return describeTopics({ admin, cluster }, names)
  }
  return {
    describe,
    list: async () => admin.listTopics(),
    create: async (topics) =>
      perTopic(topics, async (batch) => {
        await admin.createTopics({
          waitForLeaders: true,
          topics: batch.map(({ name, partitions, replicationFactor, config }) => ({
            topic: name,
            numPartitions: partitions,
            replicationFactor,
            configEntries: entries(config),
          })),
        })
      }),
    grow: async (topics) =>
      oneByOne(topics, async (batch) => {
        await admin.createPartitions({ topicPartitions: batch.map(({ name, count }) => ({ topic: name, count })) })
      }),
    configure: async (topics) =>
      perTopic(topics, async (batch) => {
        await admin.alterConfigs({
          validateOnly: false,
          resources: batch.map(({ name, config }) => ({ type: TOPIC, name, configEntries: entries(config) })),
        })
      }),
    remove: async (names) => {
      const existing = await describe(names)
      return oneByOne([...existing.values()], async (batch) => {
        await admin.deleteTopics({ topics: batch.map(({ name }) => name) })
      })
    },
    figures: async (query) => {
      await cluster.connect()
      return readFigures({ admin, cluster }, query)
    },
  }
}

const TOPIC = kafkajs.ConfigResourceTypes.TOPIC
const entries = (config: Readonly<Record<string, string>>): { name: string; value: string }[] =>
  Object.entries(config).map(([name, value]) => ({ name, value }))

type Request<T> = (batch: readonly T[]) => Promise<void>

/**
 * One request for all; when Kafka refuses anything, one request each, so that one bad topic does not hide the fate of the others.
 * For requests that may be repeated: the topics that went well see theirs twice.
 */
async function perTopic<T extends { readonly name: string; readonly config?: Readonly<Record<string, string>> }>(
  topics: readonly T[],
  request: Request<T>,
): Promise<TopicFailures> {
  if (topics.length === 0) return new Map()
  try {
    await request(topics)
    return new Map()
  } catch (error) {
    if (!isRefusal(error)) throw error
    return oneByOne(topics, request)
  }
}

/** For rare requests that fail when repeated: growing to a count a topic already has, removing a topic that is gone. */
async function oneByOne<T extends { readonly name: string; readonly config?: Readonly<Record<string, string>> }>(
  topics: readonly T[],
  request: Request<T>,
): Promise<TopicFailures> {
  const failures = new Map<string, string>()
  for (const topic of topics) {
    try {
      await request([topic])
    } catch (error) {
      if (!isRefusal(error)) throw error
      failures.set(topic.name, refusalMessage(error, topic.config))
    }
  }
  return failures
}

/** Kafka answered and said no, in contrast to not answering. */
function isRefusal(error: unknown): error is Error {
  return error instanceof kafkajs.KafkaJSProtocolError || error instanceof kafkajs.KafkaJSAggregateError
}

/** What Kafka said. kafkajs drops its words on a configuration ("Configuration is invalid"), so what was asked for is added. */
function refusalMessage(error: Error, config: Readonly<Record<string, string>> = {}): string {
  const message =
    error instanceof kafkajs.KafkaJSAggregateError
      ? error.errors.map((cause) => (cause instanceof Error ? cause.message : cause)).join('; ')
      : error.message
  if (!message.includes('Configuration is invalid')) return message
  const asked = Object.entries(config).map(([name, value]) => `${name}=${value}`)
  return `${message}: ${asked.join(', ')}`
}

function isConnectionLoss(error: unknown, expired: AbortSignal): boolean {
  return (
    expired.aborted ||
    error instanceof kafkajs.KafkaJSConnectionError ||
    error instanceof kafkajs.KafkaJSRequestTimeoutError ||
    error instanceof kafkajs.KafkaJSNumberOfRetriesExceeded ||
    error instanceof kafkajs.KafkaJSServerDoesNotSupportApiKey
  )
}

/** kafkajs wraps the refusal when it gives up on the last broker. */
const isLoginRefusal = (cause: unknown): boolean =>
  cause instanceof kafkajs.KafkaJSSASLAuthenticationError ||
  (cause instanceof kafkajs.KafkaJSProtocolError && cause.type === 'UNSUPPORTED_SASL_MECHANISM') ||
  (cause instanceof Error && cause.cause !== undefined && isLoginRefusal(cause.cause))

/** The innermost message: kafkajs wraps "connect ECONNREFUSED" in a sentence about retries. */
function describeCause(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  if (cause.name === 'TimeoutError') return 'no answer before the deadline'
  if (cause.name === 'AbortError') return 'stopped'
  if (cause instanceof kafkajs.KafkaJSServerDoesNotSupportApiKey) return 'this listener serves controllers, not clients'
  return cause.cause instanceof Error ? describeCause(cause.cause) : cause.message
}

/** `work`, or the abort reason if that comes first. kafkajs takes no signal; the session is closed by the caller either way. */
async function orAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = (): void => {
    reject(signal.reason as Error)
  }
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

function clientConfig({ brokers, tls, sasl }: KafkaConnection, options: KafkaAdminOptions): KafkaConfig {
  return {
    clientId: options.clientId,
    brokers: [...brokers],
    connectionTimeout: Math.min(3_000, options.deadline),
    requestTimeout: options.deadline,
    // One try per bootstrap server: the caller decides when to come back, with a backoff of its own.
    retry: { retries: brokers.length, initialRetryTime: 50, maxRetryTime: 500 },
    logCreator: () => (entry: LogEntry) => {
      const { message, ...detail } = entry.log
      options.log('debug', message, detail)
    },
    socketFactory: ({ host, port, ssl, onConnect }) => {
      const target = { host, port, ...(options.lookup === undefined ? {} : { lookup: options.lookup }) }
      // kafkajs passes undefined for plain connections although its types deny it.
      return (ssl as unknown) === undefined || (ssl as unknown) === null
        ? connectPlain(target, onConnect)
        : // An address is no server name (RFC 6066, section 3); without one the certificate is checked against the address.
          connectTls({ ...target, ...ssl, servername: ssl.servername ?? (isIP(host) === 0 ? host : '') }, onConnect)
    },
    ...(tls === undefined
      ? {}
      : {
          ssl: { rejectUnauthorized: tls.insecureSkipVerify !== true, ...(tls.ca === undefined ? {} : { ca: tls.ca }) },
        }),
    ...(sasl === undefined ? {} : { sasl: { ...sasl } as NonNullable<KafkaConfig['sasl']> }),
  }
}
