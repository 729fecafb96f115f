/** A resource that the API server refuses, so nothing of it is stored. */
export interface RefusedResource {
  /** What is wrong, for people. */
  readonly wrong: string
  /** Default `bad`. */
  readonly name?: string
  readonly spec: Readonly<Record<string, unknown>>
  /** What the answer must contain: the field and what is allowed. */
  readonly answer: RegExp
}

const external = (fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => ({
  kafka: { mode: 'External', ...fields },
})

/** Specs that are wrong in themselves. */
export const refusedResources: readonly RefusedResource[] = [
  { wrong: 'a field that does not exist', spec: { replicas: 2 }, answer: /unknown field "spec\.replicas"/ },
  {
    wrong: 'a misspelt field deep inside',
    spec: { services: { chatApi: { replica: 2 } } },
    answer: /unknown field "spec\.services\.chatApi\.replica"/,
  },
  {
    wrong: 'text instead of a number',
    spec: { services: { chatApi: { replicas: 'two' } } },
    answer: /spec\.services\.chatApi\.replicas.*must be of type integer/s,
  },
  {
    wrong: 'a negative number of replicas',
    spec: { services: { audit: { replicas: -1 } } },
    answer: /spec\.services\.audit\.replicas.*greater than or equal to 0/s,
  },
  {
    wrong: 'a list instead of an object',
    spec: { kafka: ['broker:9092'] },
    answer: /spec\.kafka.*must be of type object/s,
  },
  { wrong: 'a name that is too long', name: 'a'.repeat(31), spec: {}, answer: /at most 30 characters/ },
  { wrong: 'a name that starts with a digit', name: '1todo', spec: {}, answer: /must start with a letter/ },
  {
    wrong: 'an unknown profile',
    spec: { profile: 'Prod' },
    answer: /spec\.profile.*"Development", "Staging", "Production"/s,
  },
  { wrong: 'a version that is none', spec: { version: 'latest' }, answer: /version must be a semantic version/ },
  {
    wrong: 'a retention in words',
    spec: { kafka: { topics: { taskEvents: { retention: 'a week' } } } },
    answer: /retention.*a duration is whole numbers with the units/s,
  },
  {
    wrong: 'a retention below the minimum',
    spec: { kafka: { topics: { taskEvents: { retention: '1s' } } } },
    answer: /retention.*1m/s,
  },
  {
    wrong: 'no partitions',
    spec: { kafka: { topics: { taskEvents: { partitions: 0 } } } },
    answer: /partitions.*greater than or equal to 1/s,
  },
  {
    wrong: 'more replicas of a topic than the Embedded Kafka has brokers',
    spec: { kafka: { topics: { taskEvents: { replicas: 3 } } } },
    answer: /Embedded runs one broker/,
  },
  {
    wrong: 'the retention a second time, in the free configuration of the topic',
    spec: { kafka: { topics: { taskEvents: { config: { 'retention.ms': '1' } } } } },
    answer: /config may not hold retention\.ms; use retention/,
  },
  {
    wrong: 'an External Kafka without brokers',
    spec: external({}),
    answer: /kafka\.mode External needs bootstrapServers/,
  },
  {
    wrong: 'a broker without a port',
    spec: external({ bootstrapServers: ['kafka'] }),
    answer: /bootstrapServers.*host:port/s,
  },
  {
    wrong: 'brokers for the Embedded Kafka',
    spec: { kafka: { bootstrapServers: ['kafka:9092'] } },
    answer: /belong to kafka\.mode External/,
  },
  {
    wrong: 'a topic prefix with spaces',
    spec: { kafka: { topicPrefix: 'my topics ' } },
    answer: /topicPrefix may hold letters/,
  },
  {
    wrong: 'an External database without a Secret',
    spec: { database: { mode: 'External' } },
    answer: /External needs secretRef/,
  },
  {
    wrong: 'a pool whose minimum is above its maximum',
    spec: { database: { pool: { min: 9, max: 3 } } },
    answer: /min must not be larger than max/,
  },
  {
    wrong: 'a sampling rate of 200 %',
    spec: { dapr: { tracing: { samplingRate: '2' } } },
    answer: /samplingRate must be a string between/,
  },
  {
    wrong: 'an endpoint that is no URL',
    spec: { dapr: { tracing: { endpoint: 'collector; rm -rf /' } } },
    answer: /must be an http or https URL/,
  },
  {
    wrong: 'a quantity of memory in words',
    spec: { services: { chatApi: { resources: { limits: { memory: 'plenty' } } } } },
    answer: /memory/,
  },
  {
    wrong: 'a number of pods and an autoscaler at once',
    spec: { services: { chatApi: { replicas: 2, autoscaling: { max: 3, targetCPU: 80 } } } },
    answer: /replicas and autoscaling exclude each other/,
  },
  {
    wrong: 'an autoscaler without a target',
    spec: { services: { audit: { autoscaling: { max: 3 } } } },
    answer: /at least one of targetCPU, targetMemory and targetLag/,
  },
  {
    wrong: 'an isolation without an end',
    spec: { services: { audit: { isolated: { mode: 'Network', reason: 'leak', by: 'me' } } } },
    answer: /spec\.services\.audit\.isolated\.until: Required value/,
  },
  {
    wrong: 'a boost until a day without a time',
    spec: { services: { audit: { boost: { cpu: '1', reason: 'rush', until: '2030-01-01' } } } },
    answer: /must be an RFC 3339 date-time with a zone/,
  },
  {
    wrong: 'an unknown step in the ladder of the remediation',
    spec: { remediation: { ladder: ['Reboot'] } },
    answer: /spec\.remediation\.ladder\[0\].*"Restart"/s,
  },
  {
    wrong: 'routine checks every second',
    spec: { maintenance: { checks: { interval: '1s' } } },
    answer: /must lie between 10s and 1d/,
  },
  {
    wrong: 'a pause without an end',
    spec: { paused: { reason: 'holidays', by: 'me' } },
    answer: /spec\.paused\.until: Required value/,
  },
]
