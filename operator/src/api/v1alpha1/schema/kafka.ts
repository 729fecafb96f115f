import { z } from 'zod'
import { checked, described, duration, hostPort, objectName, secretKey, text, withRules } from './field.ts'
import { deletionPolicySchema, resourcesSchema, secretKeyRefSchema, storageSchema } from './resources.ts'

const day = 86_400_000

/** Aliases of the three topics, in the order they are created. The actual name of a topic is `<topicPrefix><base name>`. */
export const topicAliases = ['taskEvents', 'taskReminders', 'taskUpdates'] as const
/** One of {@link topicAliases}. */
export type TopicAlias = (typeof topicAliases)[number]

const topicSchema = (carries: string, retention: string) =>
  checked(
    described(
      z.strictObject({
        partitions: described(
          z.int().min(1).max(256).default(3),
          'Number of partitions, 1 to 256. It only grows: Kafka cannot remove partitions, so a smaller number is refused with the condition TopicsReady=False and changes nothing.',
        ),
        retention: duration('How long Kafka keeps the events', { min: 60_000, max: 3650 * day }).default(retention),
        replicas: described(
          z.int().min(1).max(7),
          'Replication factor, 1 to 7, used when the topic is created. Default: 1 with kafka.mode Embedded; External by profile: Development 1, Staging 2, Production 3.',
        ).optional(),
        config: described(
          z
            .record(z.string().max(100), z.string().max(1024))
            .refine((value) => Object.keys(value).length <= 32, 'at most 32 entries'),
          'Further topic configuration, such as {"compression.type": "lz4"}; keys and values as Kafka names them. retention.ms is set by retention.',
        )
          .meta({ maxProperties: 32 })
          .optional(),
      }),
      `The topic that carries ${carries}.`,
    ),
    {
      rule: "!has(self.config) || !('retention.ms' in self.config)",
      message: 'config may not hold retention.ms; use retention',
      path: ['config'],
      holds: ({ config }) => config?.['retention.ms'] === undefined,
    },
  )

const topicsSchema = described(
  z.strictObject({
    taskEvents: topicSchema('every change of a task, keyed by user', '168h').prefault({}),
    taskReminders: topicSchema('the life of reminders', '168h').prefault({}),
    taskUpdates: topicSchema('updates for live streams', '24h').prefault({}),
  }),
  'The topics. Each has a dead-letter topic <name>.dlq with one partition and 30 days of retention.',
)

const tlsSchema = described(
  z.strictObject({
    enabled: described(z.boolean().default(true), 'Whether connections to the brokers use TLS.'),
    caSecretRef: secretKeyRefSchema(
      'CA that signed the certificates of the brokers; the public CAs when absent.',
      'ca.crt',
    ).optional(),
  }),
  'TLS to an External Kafka; plain text when absent.',
)

const saslSchema = described(
  z.strictObject({
    mechanism: described(z.enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']), 'SASL mechanism.'),
    secretRef: described(
      z.strictObject({
        name: objectName('Name of a Secret in the same namespace.'),
        usernameKey: secretKey('Key of the user name.').default('username'),
        passwordKey: secretKey('Key of the password.').default('password'),
      }),
      'Where the user name and the password are.',
    ),
  }),
  'Authentication to an External Kafka; none when absent.',
)

const base = z.strictObject({
  mode: described(
    z.enum(['Embedded', 'External']).default('Embedded'),
    'Embedded runs one KRaft broker in a StatefulSet; External uses the brokers of bootstrapServers. Cannot be changed: the events would stay behind.',
  ),
  bootstrapServers: described(
    z.array(hostPort('One broker, host:port.')).max(16),
    'Brokers of an External Kafka, host:port, 1 to 16.',
  ).optional(),
  tls: tlsSchema.optional(),
  sasl: saslSchema.optional(),
  topicPrefix: text({
    description:
      'Put before every topic name; needed when several systems share one Kafka, where the oldest claim on a topic wins. Changes only while none of the topics exists.',
    pattern: '^([a-zA-Z0-9][a-zA-Z0-9._-]*)?$',
    message:
      'topicPrefix may hold letters, digits, ".", "_" and "-", must start with a letter or digit, and is at most 100 characters long',
    max: 100,
  }).default(''),
  topics: topicsSchema.prefault({}),
  deletionPolicy: deletionPolicySchema('the topics (and the volume of an Embedded broker)'),
  storage: storageSchema.prefault({}),
  resources: resourcesSchema.optional(),
})

const singleReplica = topicAliases
  .map((alias) => `(!has(self.topics.${alias}.replicas) || self.topics.${alias}.replicas == 1)`)
  .join(' && ')

/** The brokers, the topics and what becomes of them. */
export const kafkaSchema = checked(
  withRules(described(base, 'Kafka: where the brokers are, and the topics.'), {
    rule: 'self.mode == oldSelf.mode',
    message:
      'kafka.mode cannot be changed: the events of the present Kafka would stay behind; create another TodoChatbot instead',
  }),
  {
    rule: "self.mode != 'External' || (has(self.bootstrapServers) && size(self.bootstrapServers) > 0)",
    message: 'kafka.mode External needs bootstrapServers, such as ["kafka.example.com:9092"]',
    path: ['bootstrapServers'],
    holds: ({ mode, bootstrapServers = [] }) => mode !== 'External' || bootstrapServers.length > 0,
  },
  {
    rule: "self.mode == 'External' || (!has(self.bootstrapServers) && !has(self.tls) && !has(self.sasl))",
    message:
      'bootstrapServers, tls and sasl belong to kafka.mode External; remove them or set mode: External when the resource is created',
    holds: ({ mode, bootstrapServers, tls, sasl }) =>
      mode === 'External' || (bootstrapServers ?? tls ?? sasl) === undefined,
  },
  {
    rule: `self.mode != 'Embedded' || (${singleReplica})`,
    message: 'kafka.mode Embedded runs one broker, so topics.*.replicas must be 1 or left out',
    path: ['topics'],
    holds: ({ mode, topics }) =>
      mode !== 'Embedded' || topicAliases.every((alias) => (topics[alias].replicas ?? 1) === 1),
  },
)

/** Kafka part of a spec as the API server stores it: profile-independent defaults are filled in. */
export type Kafka = z.output<typeof kafkaSchema>
/** One topic of a spec. */
export type Topic = Kafka['topics']['taskEvents']
