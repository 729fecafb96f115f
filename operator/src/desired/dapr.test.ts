import { describe, expect, test } from 'vitest'
import { aTodoChatbot, externalSpec, find, someFacts } from '../../test/support/builders.ts'
import type { TodoChatbotSpecInput } from '../api/v1alpha1/todochatbot.ts'
import { desire } from './index.ts'
import { desiredTopics } from './topics.ts'

const object = (spec: TodoChatbotSpecInput, kind: string, name: string) =>
  find(desire(aTodoChatbot(spec), someFacts()), kind, name) as unknown as {
    readonly scopes: readonly string[]
    readonly spec: Record<string, unknown>
  }

/** Metadata of a Component by name; a reference to a Secret as `name/key`. */
const metadata = (spec: TodoChatbotSpecInput, name = 'todo-task-pubsub'): Record<string, string> => {
  const entries = object(spec, 'Component', name).spec['metadata'] as {
    name: string
    value?: string
    secretKeyRef?: { name: string; key: string }
  }[]
  return Object.fromEntries(
    entries.map((entry) => [
      entry.name,
      entry.value ?? `${entry.secretKeyRef?.name ?? ''}/${entry.secretKeyRef?.key ?? ''}`,
    ]),
  )
}

const workers = ['todo-audit', 'todo-recurring-task', 'todo-notification', 'todo-chat-api']

describe('the Kafka component', () => {
  test('gives every worker a consumer group of its own that starts at the oldest event', () =>
    expect(metadata({})).toMatchObject({ consumerGroup: 'todo-app.{appID}', initialOffset: 'oldest' }))

  test('never uses the template that would prefix all topics', () =>
    expect(JSON.stringify(metadata({}))).not.toContain('{namespace}'))

  test('talks to the Embedded broker without login', () =>
    expect(metadata({})).toMatchObject({ brokers: 'todo-kafka.todo-app.svc:9092', authType: 'none' }))

  const kafka = { mode: 'External' as const, bootstrapServers: ['a:1', 'b:2'] }
  const sasl = { mechanism: 'SCRAM-SHA-512' as const, secretRef: { name: 'login' } }

  test.each<[string, TodoChatbotSpecInput['kafka'], Record<string, string>]>([
    ['plain text', kafka, { brokers: 'a:1,b:2', authType: 'none' }],
    ['TLS', { ...kafka, tls: { caSecretRef: { name: 'ca' } } }, { authType: 'certificate', caCert: 'ca/ca.crt' }],
    ['TLS with public authorities', { ...kafka, tls: {} }, { authType: 'certificate' }],
    ['SASL', { ...kafka, sasl }, { authType: 'password', saslMechanism: 'SHA-512', disableTls: 'true' }],
    [
      'SASL over TLS',
      { ...kafka, sasl, tls: {} },
      { authType: 'password', saslUsername: 'login/username', saslPassword: 'login/password', disableTls: 'false' },
    ],
  ])('talks to an External Kafka over %s', (_how, spec, expected) =>
    expect(metadata({ kafka: spec })).toMatchObject(expected),
  )

  test('is for the workers of this system only', () =>
    expect(object({}, 'Component', 'todo-task-pubsub').scopes).toEqual(workers))

  test('lets each worker publish and subscribe to what it needs and nothing else', () => {
    const { protectedTopics, publishingScopes, subscriptionScopes } = metadata({})
    expect(protectedTopics?.split(',').toSorted()).toEqual(
      desiredTopics(aTodoChatbot())
        .map(({ name }) => name)
        .toSorted(),
    )
    expect(publishingScopes?.split(';')).toEqual([
      'todo-audit=task-events.dlq,task-reminders.dlq',
      'todo-recurring-task=task-events,task-reminders,task-updates,task-events.dlq',
      'todo-notification=task-events,task-reminders,task-updates,task-events.dlq',
      'todo-chat-api=task-events,task-reminders,task-updates',
    ])
    expect(subscriptionScopes?.split(';')).toEqual([
      'todo-audit=task-events,task-reminders',
      'todo-recurring-task=task-events',
      'todo-notification=task-events',
      'todo-chat-api=',
    ])
  })
})

describe('the state store', () => {
  test('is for chat-api only', () =>
    expect(object({}, 'Component', 'todo-statestore').scopes).toEqual(['todo-chat-api']))

  test.each<[string, TodoChatbotSpecInput, Record<string, string>]>([
    [
      'the Embedded Redis',
      {},
      { redisHost: 'todo-redis.todo-app.svc:6379', redisPassword: 'todo-redis/password', enableTLS: 'false' },
    ],
    ['an External Redis', externalSpec, { redisHost: 'redis.example.com:6379', redisPassword: 'my-redis/password' }],
    [
      'an External Redis over TLS',
      { stateStore: { mode: 'External', host: 'r:1', tls: true } },
      { redisHost: 'r:1', enableTLS: 'true' },
    ],
  ])('is %s', (_what, spec, expected) => expect(metadata(spec, 'todo-statestore')).toMatchObject(expected))

  test('asks for no password where the spec names none', () =>
    expect(metadata({ stateStore: { mode: 'External', host: 'r:1' } }, 'todo-statestore')).not.toHaveProperty(
      'redisPassword',
    ))
})

describe('subscriptions', () => {
  test.each([
    ['todo-audit-task-events', 'todo-audit', '/events/bulk', 'task-events'],
    ['todo-audit-task-reminders', 'todo-audit', '/events/bulk', 'task-reminders'],
    ['todo-recurring-task-task-events', 'todo-recurring-task', '/events/task-events', 'task-events'],
    ['todo-notification-task-events', 'todo-notification', '/events/task-events', 'task-events'],
  ])('%s delivers to its worker and keeps what it cannot take', (name, app, route, topic) => {
    const subscription = object({ kafka: { topicPrefix: 'a.' } }, 'Subscription', name)
    expect(subscription.scopes).toEqual([app])
    expect(subscription.spec).toMatchObject({
      pubsubname: 'todo-task-pubsub',
      topic: `a.${topic}`,
      routes: { default: route },
      deadLetterTopic: `a.${topic}.dlq`,
    })
  })
})

test('deliveries are retried within bounds, without a circuit breaker or a timeout', () => {
  const { spec } = object(
    { dapr: { resiliency: { maxInterval: '5s', maxRetries: 50 } } },
    'Resiliency',
    'todo-resiliency',
  )
  expect(spec).toEqual({
    policies: { retries: { delivery: { policy: 'exponential', maxInterval: '5000ms', maxRetries: 50 } } },
    targets: { components: { 'todo-task-pubsub': { inbound: { retry: 'delivery' } } } },
  })
})

test('sidecars do not reload a changed component by themselves, and send traces where the spec says', () => {
  const { spec } = object(
    { dapr: { tracing: { endpoint: 'https://collector:4318', samplingRate: '0.5' } } },
    'Configuration',
    'todo-config',
  )
  expect(spec).toMatchObject({
    features: [{ name: 'HotReload', enabled: false }],
    tracing: { samplingRate: '0.5', otel: { endpointAddress: 'collector:4318', isSecure: true, protocol: 'http' } },
  })
})
