import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startDaprd, startSecureKafka, type DaprdServer, type SecureKafkaServer } from '../../hack/cluster/index.ts'
import type { KubeObject } from '../src/api/v1alpha1/kubernetes.ts'
import { withDefaults } from '../src/api/v1alpha1/defaults.ts'
import { kafkaAdmin, KafkaUnreachable } from '../src/apply/kafka-admin.ts'
import type { KafkaConnection } from '../src/apply/kafka-connection.ts'
import { daprComponents } from '../src/desired/dapr-components.ts'
import { daprSubscriptions } from '../src/desired/dapr-subscriptions.ts'
import { aTodoChatbot, find, someFacts } from './support/builders.ts'
import { kinds } from '../src/kube/kinds.ts'
import { applyBot, startOperator, startTestCluster, until, untilCondition } from './support/harness.ts'

/** Everything the admin port logs. */
const logged: string[] = []
const withAdmin = kafkaAdmin({
  clientId: 'test',
  deadline: 10_000,
  log: (level, message, detail) => logged.push(`${level} ${message} ${JSON.stringify(detail)}`),
})
const { signal } = new AbortController()

let kafka: SecureKafkaServer
beforeAll(async () => {
  kafka = await startSecureKafka()
})
afterAll(async () => kafka.stop())

const connection = (): KafkaConnection => {
  const { brokers, ca, username, password } = kafka.secure
  return { brokers: [brokers], tls: { ca }, sasl: { mechanism: 'scram-sha-512', username, password } }
}
const sasl = (over: Partial<NonNullable<KafkaConnection['sasl']>>): NonNullable<KafkaConnection['sasl']> => ({
  mechanism: 'scram-sha-512',
  username: kafka.secure.username,
  password: kafka.secure.password,
  ...over,
})

describe('the admin port with TLS and SCRAM-SHA-512', () => {
  test('creates and describes topics', async () => {
    const seen = await withAdmin(
      connection(),
      async (session) => {
        const name = 'secure.task-events'
        const topics = [name, `${name}.dlq`].map((one) => ({
          name: one,
          partitions: 2,
          replicationFactor: 1,
          config: {},
        }))
        expect(await session.create(topics)).toEqual(new Map())
        return session.describe([name])
      },
      signal,
    )
    expect(seen.get('secure.task-events')).toMatchObject({ partitions: 2, replicationFactor: 1 })
  })

  const wrong = 'wr0ng-passw0rd'
  test.each<{ name: string; change: () => Partial<KafkaConnection>; refused: boolean; says: RegExp }>([
    {
      name: 'the password is wrong',
      change: () => ({ sasl: sasl({ password: wrong }) }),
      refused: true,
      says: /invalid credentials/,
    },
    {
      name: 'the user does not exist',
      change: () => ({ sasl: sasl({ username: 'nobody', password: wrong }) }),
      refused: true,
      says: /invalid credentials/,
    },
    {
      name: 'the broker does not offer the mechanism',
      change: () => ({ sasl: sasl({ mechanism: 'plain', password: wrong }) }),
      refused: true,
      says: /does not support the requested SASL mechanism/,
    },
    {
      name: 'the authority is not known',
      change: () => ({ tls: {}, sasl: sasl({ password: wrong }) }),
      refused: false,
      says: /certificate/,
    },
  ])('says so without the password when $name', async ({ change, refused, says }) => {
    const asked = withAdmin({ ...connection(), ...change() }, (session) => session.describe(['x']), signal)
    const error: unknown = await asked.catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(KafkaUnreachable)
    const { message, credentialsRefused } = error as KafkaUnreachable
    expect(message).toMatch(says)
    expect(message).toContain(kafka.secure.brokers)
    expect(credentialsRefused).toBe(refused)
    for (const text of [message, ...logged]) {
      expect(text).not.toContain(wrong)
      expect(text).not.toContain(kafka.secure.password)
    }
  })
})

/** A Component with the values its secret references stand for, as Dapr's operator hands it to sidecars. @throws Error for a dangling one. */
function resolved(
  component: KubeObject,
  secrets: Readonly<Record<string, Readonly<Record<string, string>>>>,
): Readonly<Record<string, unknown>> {
  const { metadata, ...spec } = component['spec'] as { metadata: readonly MetadataEntry[] }
  const values = metadata.map(({ name, value, secretKeyRef }) => {
    if (secretKeyRef === undefined) return { name, value }
    const found = secrets[secretKeyRef.name]?.[secretKeyRef.key]
    if (found === undefined) throw new Error(`${name}: no Secret ${secretKeyRef.name} with ${secretKeyRef.key}`)
    return { name, value: found }
  })
  const { apiVersion, kind } = component
  return { apiVersion, kind, metadata: { name: component.metadata.name }, spec: { ...spec, metadata: values } }
}

interface MetadataEntry {
  readonly name: string
  readonly value?: string
  readonly secretKeyRef?: { readonly name: string; readonly key: string }
}

describe('the Dapr component the operator generates', () => {
  const received: string[] = []
  let app: Server
  let sidecar: DaprdServer
  beforeAll(async () => {
    app = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        if (request.method === 'POST') received.push(`${String(request.url)} ${Buffer.concat(chunks).toString('utf8')}`)
        response.setHeader('content-type', 'application/json')
        response.end(
          request.method === 'POST' ? '{"status":"SUCCESS"}' : request.url === '/dapr/subscribe' ? '[]' : '{}',
        )
      })
    }).listen(0, '127.0.0.1')
    await once(app, 'listening')
    const { brokers, ca, username, password } = kafka.secure
    const secrets = { 'kafka-login': { username, password }, 'kafka-ca': { 'ca.crt': ca } }
    const input = {
      bot: withDefaults(
        aTodoChatbot({
          kafka: {
            mode: 'External',
            bootstrapServers: [brokers],
            topicPrefix: 'secure.',
            tls: { caSecretRef: { name: 'kafka-ca' } },
            sasl: { mechanism: 'SCRAM-SHA-512', secretRef: { name: 'kafka-login' } },
          },
        }),
      ),
      facts: someFacts(),
    }
    sidecar = await startDaprd({
      appId: 'todo-recurring-task',
      appPort: (app.address() as AddressInfo).port,
      resources: [
        resolved(find(daprComponents(input), 'Component', 'todo-task-pubsub'), secrets),
        find(daprSubscriptions(input), 'Subscription', 'todo-recurring-task-task-events'),
      ],
    })
  })
  afterAll(async () => {
    await sidecar.stop()
    app.close()
  })

  test('publishes and delivers through the secure listener', async () => {
    const answer = await fetch(`${sidecar.url}/v1.0/publish/todo-task-pubsub/secure.task-events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ hello: 'over TLS' }),
      signal: AbortSignal.timeout(30_000),
    })
    expect(answer.status).toBe(204)
    await until('the event arrives', () => Promise.resolve(received.length > 0))
    expect(received[0]).toMatch(/^\/events\/task-events .*over TLS/)
  })
})

test('a system with a wrong password says so and heals when the Secret is corrected, without another edit', async () => {
  const cluster = await startTestCluster()
  const operator = startOperator(cluster)
  const { client } = cluster
  try {
    const namespace = await cluster.namespace()
    const { brokers, ca, username, password } = kafka.secure
    const offer = async (name: string, stringData: Record<string, string>): Promise<unknown> =>
      client.apply(
        { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, stringData },
        { fieldManager: 'admin' },
      )
    const wrong = 'wr0ng-passw0rd'
    await offer('kafka-ca', { 'ca.crt': ca })
    await offer('kafka-login', { username, password: wrong })
    await applyBot(client, namespace, {
      kafka: {
        mode: 'External',
        bootstrapServers: [brokers],
        topicPrefix: 'heals.',
        tls: { caSecretRef: { name: 'kafka-ca' } },
        sasl: { mechanism: 'SCRAM-SHA-512', secretRef: { name: 'kafka-login' } },
      },
    })
    const reason = 'BrokerCredentialsRefused'
    const refused = await untilCondition(client, namespace, { type: 'KafkaReady', status: 'False', reason })
    expect(refused.message).toMatch(/invalid credentials/)
    const events = (await client.list(kinds.Event, { namespace })).items
    const bots = (await client.list(kinds.TodoChatbot, { namespace })).items
    expect(JSON.stringify([bots, events])).not.toContain(wrong)

    await offer('kafka-login', { username, password })
    await untilCondition(client, namespace, { type: 'KafkaReady', status: 'True' }, { deadline: 60_000 })
    await untilCondition(client, namespace, { type: 'TopicsReady', status: 'True' })
    await client.delete(kinds.TodoChatbot, { namespace, name: 'todo' })
  } finally {
    await operator.stop()
    await cluster.stop()
  }
}, 180_000)
