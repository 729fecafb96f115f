import { names, workerNames } from '../api/v1alpha1/names.ts'
import { topicAliases } from '../api/v1alpha1/schema/kafka.ts'
import { workerFields } from '../api/v1alpha1/schema/services.ts'
import type { WorkerField } from '../api/v1alpha1/schema/services.ts'
import { consumerGroup } from './consumers.ts'
import { subscriptionsOf } from './dapr-subscriptions.ts'
import { dependencyAddress } from './dependencies.ts'
import { kafkaCluster } from './kafka-cluster.ts'
import type { SecretKey } from './kafka-cluster.ts'
import { owned } from './object.ts'
import type { Json } from './object.ts'
import { deadLetterName, topicName } from './topics.ts'
import type { Desire, DesiredObject, DesireInput } from './types.ts'
import { stateStoreUsers } from './worker-config.ts'

/** A metadata entry of a Component: a value, or a reference that the Dapr operator resolves. */
const entry = (name: string, value: string | SecretKey): Json =>
  typeof value === 'string' ? { name, value } : { name, secretKeyRef: { name: value.name, key: value.key } }

const entries = (values: Readonly<Record<string, string | SecretKey | undefined>>): Json[] =>
  Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [entry(name, value)]))

/** Dapr's names of the SASL mechanisms. */
const mechanisms = { PLAIN: 'PLAINTEXT', 'SCRAM-SHA-256': 'SHA-256', 'SCRAM-SHA-512': 'SHA-512' } as const

/** Dapr knows TLS without login as the authentication type "certificate" (contrib common/component/kafka/auth.go). */
const authentication = (bot: DesireInput['bot']): Readonly<Record<string, string | SecretKey | undefined>> => {
  const { sasl, tls } = kafkaCluster(bot)
  if (sasl === undefined) return { authType: tls === undefined ? 'none' : 'certificate', caCert: tls?.ca }
  return {
    authType: 'password',
    saslMechanism: mechanisms[sasl.mechanism],
    saslUsername: sasl.username,
    saslPassword: sasl.password,
    disableTls: tls === undefined ? 'true' : 'false',
    caCert: tls?.ca,
  }
}

/** Workers whose outbox relay publishes; each relays the rows of all of them. */
const publishers: readonly WorkerField[] = ['chatApi', 'recurringTask', 'notification']

/**
 * Who may publish and subscribe to what, in Dapr's own notation. The dead letters of a topic are published by the sidecar of its consumer, so
 * they belong to the consumer's rights.
 */
const scopesOf = (bot: DesireInput['bot']): Readonly<Record<string, string>> => {
  const system = bot.metadata.name
  const topics = topicAliases.map((alias) => topicName(bot, alias))
  const grant = (topicsOf: (field: WorkerField) => readonly string[]): string =>
    workerFields.map((field) => `${names.worker(system, workerNames[field])}=${topicsOf(field).join(',')}`).join(';')
  return {
    protectedTopics: [...topics, ...topicAliases.map((alias) => deadLetterName(bot, alias))].join(','),
    publishingScopes: grant((field) => [
      ...(publishers.includes(field) ? topics : []),
      ...subscriptionsOf[field].map((alias) => deadLetterName(bot, alias)),
    ]),
    subscriptionScopes: grant((field) => subscriptionsOf[field].map((alias) => topicName(bot, alias))),
  }
}

const component = (
  input: DesireInput,
  draft: { name: string; type: string; metadata: readonly Json[]; users: readonly WorkerField[] },
): DesiredObject =>
  owned(input, {
    apiVersion: 'dapr.io/v1alpha1',
    kind: 'Component',
    name: draft.name,
    app: 'todochatbot',
    component: 'dapr',
    stage: 'Dapr',
    body: {
      auth: { secretStore: 'kubernetes' },
      scopes: draft.users.map((field) => names.worker(input.bot.metadata.name, workerNames[field])),
      spec: { type: draft.type, version: 'v1', initTimeout: '30s', ignoreErrors: false, metadata: draft.metadata },
    },
  })

/**
 * Kafka for all workers. The consumer group carries namespace and app id, so that no two workers, and no two systems on one cluster, ever
 * share one; `{appID}` is filled in by each sidecar. `{namespace}` must not be used: it would switch on prefixed topics.
 */
const pubsub = (input: DesireInput): DesiredObject =>
  component(input, {
    name: names.pubsub(input.bot.metadata.name),
    type: 'pubsub.kafka',
    users: workerFields,
    metadata: entries({
      brokers: kafkaCluster(input.bot).brokers.join(','),
      ...authentication(input.bot),
      consumerGroup: consumerGroup(input.bot.metadata.namespace, '{appID}'),
      initialOffset: 'oldest',
      version: '2.8.0',
      ...scopesOf(input.bot),
    }),
  })

const stateStore = (input: DesireInput): DesiredObject => {
  const { metadata, spec } = input.bot
  const { mode, host, tls, secretRef } = spec.stateStore
  const embedded = mode === 'Embedded'
  return component(input, {
    name: names.stateStore(metadata.name),
    type: 'state.redis',
    users: stateStoreUsers,
    metadata: entries({
      redisHost: embedded ? dependencyAddress(input.bot, 'redis') : host,
      redisPassword: embedded ? { name: names.redisSecret(metadata.name), key: 'password' } : secretRef,
      enableTLS: tls ? 'true' : 'false',
      // Keys start with the namespace too: app ids repeat in other namespaces, and an External Redis may be shared.
      keyPrefix: 'namespace',
    }),
  })
}

/** The two Components. Their names carry the system, so that two systems share a namespace; both list their users as scopes. */
export const daprComponents: Desire = (input) => [pubsub(input), stateStore(input)]
