import fc from 'fast-check'
import type { TodoChatbotSpecInput } from '../../src/api/v1alpha1/todochatbot.ts'

const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined })

const image = fc.record(
  { repository: fc.constantFrom('registry.example.com:5000/a/workers', 'workers'), tag: fc.constantFrom('1', 'dev-2') },
  { requiredKeys: [] },
)

const resources = fc.record(
  {
    requests: fc.record(
      { cpu: fc.constantFrom('0.5', '100m'), memory: fc.constantFrom('64Mi', '1Gi') },
      { requiredKeys: [] },
    ),
    limits: fc.record(
      { cpu: fc.constantFrom('1', '2000m'), memory: fc.constantFrom('1024Mi', '4Gi') },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
)

const service = fc.record(
  {
    replicas: fc.nat(5),
    resources,
    logLevel: fc.constantFrom('debug' as const, 'info' as const, 'error' as const),
    restartedAt: fc.constantFrom('2026-01-01T00:00:00Z', '2'),
    image,
  },
  { requiredKeys: [] },
)

const kafka = fc.oneof(
  fc.record({ deletionPolicy: fc.constantFrom('Retain' as const, 'Delete' as const) }, { requiredKeys: [] }),
  fc.record({
    mode: fc.constant('External' as const),
    bootstrapServers: fc.uniqueArray(fc.constantFrom('a:9092', 'b:9092', 'c.example.com:9093'), { minLength: 1 }),
    topicPrefix: fc.constantFrom('', 'team-a.'),
    tls: optional(fc.constant({ caSecretRef: { name: 'kafka-ca' } })),
    sasl: optional(fc.constant({ mechanism: 'SCRAM-SHA-512' as const, secretRef: { name: 'kafka-login' } })),
  }),
)

const database = fc.oneof(
  fc.constant({ mode: 'Embedded' as const }),
  fc.record({ mode: fc.constant('External' as const), secretRef: fc.constant({ name: 'my-database', key: 'uri' }) }),
)

const stateStore = fc.oneof(
  fc.constant({ mode: 'Embedded' as const }),
  fc.record({
    mode: fc.constant('External' as const),
    host: fc.constant('redis.example.com:6379'),
    secretRef: optional(fc.constant({ name: 'my-redis' })),
  }),
)

/** Any spec the schema accepts, over all modes and profiles. */
export const arbitrarySpec: fc.Arbitrary<TodoChatbotSpecInput> = fc.record(
  {
    profile: fc.constantFrom('Development' as const, 'Staging' as const, 'Production' as const),
    version: fc.constantFrom('0.1.0', '0.2.0'),
    kafka,
    database,
    stateStore,
    services: fc.record(
      { chatApi: service, recurringTask: service, notification: service, audit: service },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
)

/** Names of resources the API server accepts, the longest ones included. */
export const arbitraryName: fc.Arbitrary<string> = fc
  .tuple(fc.constantFrom('a', 'm', 'z'), fc.string({ unit: fc.constantFrom('a', 'z', '0', '9', '-'), maxLength: 28 }))
  .map(([first, rest]) => `${first}${rest}z`)
