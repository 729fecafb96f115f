/** A TodoChatbot that must be refused, and words of the answer an admin gets. `spec` is YAML below `spec:`. */
export interface WrongResource {
  readonly what: string
  readonly spec: string
  /** metadata.name; `todo` when absent. */
  readonly name?: string
  /** Parts of the message that say which field it is and what is allowed. */
  readonly says: readonly string[]
}

/** Refused when it is created. */
export const wrongResources: readonly WrongResource[] = [
  { what: 'an unknown field', spec: 'kafka: {brokers: [a:1]}', says: ['unknown field "spec.kafka.brokers"'] },
  { what: 'a misspelt worker', spec: 'services: {chatapi: {}}', says: ['unknown field "spec.services.chatapi"'] },
  { what: 'an unknown field at the top', spec: 'replicas: 3', says: ['unknown field "spec.replicas"'] },
  {
    what: 'text for a number',
    spec: 'services: {audit: {replicas: two}}',
    says: ['spec.services.audit.replicas', 'integer'],
  },
  { what: 'a number for text', spec: 'version: 1', says: ['spec.version', 'string'] },
  { what: 'a list for an object', spec: 'database: []', says: ['spec.database', 'object'] },
  {
    what: 'a name that is too long',
    name: 'a-name-that-is-longer-than-thirty',
    spec: '',
    says: ['metadata.name may be at most 30 characters long'],
  },
  {
    what: 'a name that starts with a digit',
    name: '1todo',
    spec: '',
    says: ['metadata.name must start with a letter'],
  },
  { what: 'a name with a dot', name: 'todo.app', spec: '', says: ['metadata.name must start with a letter'] },
  {
    what: 'an unknown profile',
    spec: 'profile: Huge',
    says: ['spec.profile', 'supported values: "Development", "Staging", "Production"'],
  },
  {
    what: 'a version that is none',
    spec: 'version: latest',
    says: ['spec.version', 'semantic version, such as 0.1.0'],
  },
  {
    what: 'an unknown Kafka mode',
    spec: 'kafka: {mode: Managed}',
    says: ['spec.kafka.mode', '"Embedded", "External"'],
  },
  {
    what: 'External Kafka without brokers',
    spec: 'kafka: {mode: External}',
    says: ['spec.kafka.bootstrapServers', 'needs bootstrapServers, such as ["kafka.example.com:9092"]'],
  },
  {
    what: 'External Kafka with an empty list',
    spec: 'kafka: {mode: External, bootstrapServers: []}',
    says: ['needs bootstrapServers'],
  },
  {
    what: 'brokers with an Embedded Kafka',
    spec: 'kafka: {bootstrapServers: ["a:9092"]}',
    says: ['belong to kafka.mode External'],
  },
  {
    what: 'a broker without a port',
    spec: 'kafka: {mode: External, bootstrapServers: [kafka]}',
    says: ['spec.kafka.bootstrapServers[0]', 'host:port'],
  },
  {
    what: 'a broker as a URL',
    spec: 'kafka: {mode: External, bootstrapServers: ["kafka://a:9092"]}',
    says: ['spec.kafka.bootstrapServers[0]', 'host:port'],
  },
  {
    what: 'SASL without a Secret',
    spec: 'kafka: {mode: External, bootstrapServers: ["a:1"], sasl: {mechanism: PLAIN}}',
    says: ['spec.kafka.sasl.secretRef', 'Required'],
  },
  {
    what: 'an unknown SASL mechanism',
    spec: 'kafka: {mode: External, bootstrapServers: ["a:1"], sasl: {mechanism: GSSAPI, secretRef: {name: a}}}',
    says: ['spec.kafka.sasl.mechanism', '"SCRAM-SHA-512"'],
  },
  {
    what: 'a topic prefix with a slash',
    spec: 'kafka: {topicPrefix: team/a}',
    says: ['topicPrefix may hold letters, digits'],
  },
  {
    what: 'no partitions',
    spec: 'kafka: {topics: {taskEvents: {partitions: 0}}}',
    says: ['spec.kafka.topics.taskEvents.partitions', 'greater than or equal to 1'],
  },
  {
    what: 'too many partitions',
    spec: 'kafka: {topics: {taskEvents: {partitions: 1000}}}',
    says: ['spec.kafka.topics.taskEvents.partitions', 'less than or equal to 256'],
  },
  {
    what: 'a retention that is a number',
    spec: 'kafka: {topics: {taskEvents: {retention: 7}}}',
    says: ['spec.kafka.topics.taskEvents.retention', 'string'],
  },
  {
    what: 'a retention in words',
    spec: 'kafka: {topics: {taskEvents: {retention: one week}}}',
    says: ['spec.kafka.topics.taskEvents.retention', 'such as 200ms, 5s, 1h30m or 7d'],
  },
  {
    what: 'a retention that is too short',
    spec: 'kafka: {topics: {taskEvents: {retention: 5s}}}',
    says: ['spec.kafka.topics.taskEvents.retention', 'between 1m and 3650d'],
  },
  {
    what: 'retention.ms in the configuration',
    spec: "kafka: {topics: {taskEvents: {config: {retention.ms: '1'}}}}",
    says: ['config may not hold retention.ms; use retention'],
  },
  {
    what: 'a configuration value that is no text',
    spec: 'kafka: {topics: {taskEvents: {config: {max.message.bytes: 1}}}}',
    says: ['spec.kafka.topics.taskEvents.config.max.message.bytes', 'string'],
  },
  {
    what: 'more replicas than an Embedded broker has',
    spec: 'kafka: {topics: {taskUpdates: {replicas: 3}}}',
    says: ['Embedded runs one broker'],
  },
  {
    what: 'a deletion policy that does not exist',
    spec: 'kafka: {deletionPolicy: Keep}',
    says: ['spec.kafka.deletionPolicy', '"Retain", "Delete"'],
  },
  {
    what: 'an External database without a Secret',
    spec: 'database: {mode: External}',
    says: ['database.mode External needs secretRef'],
  },
  {
    what: 'a Secret with an Embedded database',
    spec: 'database: {secretRef: {name: a}}',
    says: ['secretRef belongs to database.mode External'],
  },
  {
    what: 'a Secret name in capitals',
    spec: 'database: {mode: External, secretRef: {name: My_Secret}}',
    says: ['spec.database.secretRef.name', 'lower-case letters'],
  },
  {
    what: 'a pool whose min exceeds its max',
    spec: 'database: {pool: {min: 9, max: 3}}',
    says: ['spec.database.pool', 'min must not be larger than max'],
  },
  {
    what: 'a pool that is too large',
    spec: 'database: {pool: {max: 100000}}',
    says: ['spec.database.pool.max', 'less than or equal to 200'],
  },
  {
    what: 'a statement timeout without a unit',
    spec: "database: {statementTimeout: '5'}",
    says: ['spec.database.statementTimeout', 'units ms, s, m, h or d'],
  },
  {
    what: 'a statement timeout that is too long',
    spec: 'database: {statementTimeout: 48h}',
    says: ['spec.database.statementTimeout', 'between 100ms and 10m'],
  },
  {
    what: 'an External state store without a host',
    spec: 'stateStore: {mode: External}',
    says: ['stateStore.mode External needs host'],
  },
  {
    what: 'a volume size that is no quantity',
    spec: 'database: {storage: {size: big}}',
    says: ['spec.database.storage.size', '256Mi or 1Gi'],
  },
  {
    what: 'negative replicas',
    spec: 'services: {chatApi: {replicas: -1}}',
    says: ['spec.services.chatApi.replicas', 'greater than or equal to 0'],
  },
  {
    what: 'too many replicas',
    spec: 'services: {chatApi: {replicas: 1000}}',
    says: ['spec.services.chatApi.replicas', 'less than or equal to 100'],
  },
  {
    what: 'an unknown log level',
    spec: 'services: {audit: {logLevel: loud}}',
    says: ['spec.services.audit.logLevel', '"debug", "info"'],
  },
  {
    what: 'a memory limit in words',
    spec: 'services: {audit: {resources: {limits: {memory: lots}}}}',
    says: ['spec.services.audit.resources.limits.memory', '256Mi or 1Gi'],
  },
  {
    what: 'an image with both tag and digest',
    spec: `images: {workers: {tag: a, digest: sha256:${'0'.repeat(64)}}}`,
    says: ['spec.images.workers', 'either tag or digest'],
  },
  {
    what: 'a repository that holds a tag',
    spec: 'images: {workers: {repository: "a/b:1.0"}}',
    says: ['spec.images.workers.repository', 'without tag or digest'],
  },
  {
    what: 'a digest that is too short',
    spec: 'images: {kafka: {digest: sha256:abc}}',
    says: ['spec.images.kafka.digest', '64 hexadecimal digits'],
  },
  { what: 'a pause without an end', spec: 'paused: {reason: a, by: b}', says: ['spec.paused.until', 'Required'] },
  {
    what: 'a pause that ends tomorrow',
    spec: 'paused: {reason: a, by: b, until: tomorrow}',
    says: ['spec.paused.until', 'RFC 3339 date-time with a zone'],
  },
  {
    what: 'a pause without a zone',
    spec: "paused: {reason: a, by: b, until: '2026-12-31T18:00:00'}",
    says: ['spec.paused.until', 'with a zone'],
  },
  {
    what: 'a pause without a reason',
    spec: "paused: {reason: ' ', by: b, until: '2026-12-31T18:00:00Z'}",
    says: ['spec.paused.reason', 'not empty'],
  },
  { what: 'a sampling rate above one', spec: "dapr: {tracing: {samplingRate: '2'}}", says: ['between "0" and "1"'] },
  {
    what: 'a tracing endpoint without a scheme',
    spec: 'dapr: {tracing: {endpoint: "collector:4318"}}',
    says: ['spec.dapr.tracing.endpoint', 'http or https URL'],
  },
  {
    what: 'too few retries',
    spec: 'dapr: {resiliency: {maxRetries: 0}}',
    says: ['spec.dapr.resiliency.maxRetries', 'greater than or equal to 3'],
  },
]

/** An edit of a resource that exists. */
export interface Edit {
  readonly what: string
  /** YAML below `spec:`. */
  readonly from: string
  readonly to: string
  /** Parts of the refusal; empty when the edit must be accepted. */
  readonly says: readonly string[]
}

const brokers = 'mode: External, bootstrapServers: ["a:9092"]'

/** Edits of stored resources: what would leave data behind is refused, everything else is not. */
export const edits: readonly Edit[] = [
  {
    what: 'moving to an External Kafka',
    from: 'kafka: {}',
    to: `kafka: {${brokers}}`,
    says: ['kafka.mode cannot be changed', 'create another TodoChatbot'],
  },
  {
    what: 'moving to an External database',
    from: 'database: {}',
    to: 'database: {mode: External, secretRef: {name: a}}',
    says: ['database.mode cannot be changed'],
  },
  {
    what: 'moving to an External state store',
    from: 'stateStore: {}',
    to: 'stateStore: {mode: External, host: "a:6379"}',
    says: ['stateStore.mode cannot be changed'],
  },
  {
    what: 'another volume size',
    from: 'kafka: {}',
    to: 'kafka: {storage: {size: 20Gi}}',
    says: ['storage cannot be changed', 'PersistentVolumeClaim'],
  },
  {
    what: 'a storage class afterwards',
    from: 'database: {}',
    to: 'database: {storage: {storageClassName: fast}}',
    says: ['storage cannot be changed'],
  },
  { what: 'another profile', from: 'profile: Development', to: 'profile: Production', says: [] },
  {
    what: 'more partitions',
    from: 'kafka: {topics: {taskEvents: {partitions: 3}}}',
    to: 'kafka: {topics: {taskEvents: {partitions: 6}}}',
    says: [],
  },
  {
    what: 'fewer partitions (refused by the operator, so that a slip can be taken back)',
    from: 'kafka: {topics: {taskEvents: {partitions: 6}}}',
    to: 'kafka: {topics: {taskEvents: {partitions: 3}}}',
    says: [],
  },
  {
    what: 'other brokers',
    from: `kafka: {${brokers}}`,
    to: 'kafka: {mode: External, bootstrapServers: ["b:9092"]}',
    says: [],
  },
  {
    what: 'a topic prefix while no topic exists',
    from: `kafka: {${brokers}}`,
    to: `kafka: {${brokers}, topicPrefix: a.}`,
    says: [],
  },
]
