import { afterAll, beforeAll, expect, test } from 'vitest'
import { startKafka, type KafkaServer } from '../../hack/cluster/index.ts'
import type { TodoChatbotSpecInput } from '../src/api/v1alpha1/todochatbot.ts'
import { kinds } from '../src/kube/kinds.ts'
import { crashPointsTaken, crashStride, startDoomedOperator } from './support/doomed-operator.ts'
import { applyBot, startOperator, startTestCluster, untilCondition, type TestCluster } from './support/harness.ts'

/**
 * The operator is stopped after single writes of a fresh apply, in turn (which ones: crashStride): the API server has carried out the write, the answer never
 * reaches the operator, and it sends nothing more. A second operator has to bring the system to Ready each time, with every object there once.
 */
/** Crash points under way at once, each in a namespace of its own. */
const lanes = 4

let cluster: TestCluster
let kafka: KafkaServer

beforeAll(async () => {
  ;[cluster, kafka] = await Promise.all([startTestCluster(), startKafka()])
})
afterAll(async () => {
  await Promise.all([cluster.stop(), kafka.stop()])
})

const spec = (prefix: string): TodoChatbotSpecInput => ({
  kafka: { mode: 'External', bootstrapServers: [kafka.brokers], topicPrefix: prefix },
})

/** Kinds and names of everything a system owns, and the uids of what must never be made twice. */
const inventory = async (namespace: string): Promise<string[]> => {
  const owned = [
    'Secret',
    'ConfigMap',
    'Service',
    'ServiceAccount',
    'Deployment',
    'StatefulSet',
    'Job',
    'Component',
    'Configuration',
    'Resiliency',
    'Subscription',
  ] as const
  const lists = await Promise.all(
    owned.map((kind) => cluster.client.list(kinds[kind], { namespace, labelSelector: 'app.kubernetes.io/managed-by' })),
  )
  // A ConfigMap of settings is named after its content, and the names of the topics are part of that.
  const named = (name: string): string => name.replace(/-[0-9a-f]{8}$/, '-<hash>')
  return lists.flatMap(({ items }) => items.map(({ kind, metadata }) => `${kind}/${named(metadata.name)}`)).sort()
}

/** Applies a fresh system and stops the operator after its `n`-th write; returns how many writes it made, and the namespace. */
const stopAfter = async (n: number): Promise<{ namespace: string; writes: number }> => {
  const namespace = await cluster.namespace()
  const operator = startDoomedOperator(cluster, n, { WATCH_NAMESPACE: namespace })
  await applyBot(cluster.client, namespace, spec(`${namespace}.`))
  const done = untilCondition(cluster.client, namespace, { type: 'Ready', status: 'True' }, { deadline: 60_000 })
  await Promise.race([operator.crashed, done])
  done.catch(() => undefined)
  await operator.stop()
  return { namespace, writes: operator.writes() }
}

test(
  'the operator is stopped after single writes of a fresh apply and converges each time',
  { timeout: 900_000 },
  async () => {
    const whole = await stopAfter(Infinity)
    const expected = await inventory(whole.namespace)
    expect(expected.length).toBeGreaterThan(30)

    const failures: string[] = []
    const converges = async (n: number): Promise<void> => {
      const { namespace } = await stopAfter(n)
      const successor = startOperator(cluster, { env: { WATCH_NAMESPACE: namespace } })
      try {
        await untilCondition(cluster.client, namespace, { type: 'Ready', status: 'True' }, { deadline: 90_000 })
        expect(await inventory(namespace)).toEqual(expected)
      } catch (error) {
        failures.push(`after write ${n}: ${error instanceof Error ? error.message : String(error)}`)
      }
      await successor.stop()
      await cluster.client.delete(kinds.TodoChatbot, { namespace, name: 'todo' })
    }
    const points = Array.from({ length: Math.ceil(whole.writes / crashStride) }, (_, index) => index * crashStride + 1)
    const count = points.length
    const lane = async (): Promise<void> => {
      for (let n = points.shift(); n !== undefined; n = points.shift()) await converges(n)
    }
    await Promise.all(Array.from({ length: lanes }, lane))
    expect(failures).toEqual([])
    // The number belongs to what has to be shown.
    process.stdout.write(`crash points: ${count} of ${whole.writes} writes, ${crashPointsTaken}; all converged\n`)
  },
)
