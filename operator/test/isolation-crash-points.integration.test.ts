import { afterAll, beforeAll, expect, test } from 'vitest'
import { startKafka, type KafkaServer } from '../../hack/cluster/index.ts'
import { crashesAfter, crashPointsTaken, crashStride, withOperator } from './support/doomed-operator.ts'
import { applyBot, startTestCluster, untilCondition, type TestCluster } from './support/harness.ts'
import { incidentsOf, isolated, isolationWorld } from './support/isolation.ts'

/**
 * The operator is stopped after single writes of an isolation and of its end, in turn (which ones: crashStride), in both modes: the API server has carried out the
 * write, the answer never reaches the operator, and it sends nothing more. A second operator has to bring the isolation into force, or to its
 * end, each time, with one Incident and nothing left behind.
 */
let cluster: TestCluster
let kafka: KafkaServer

beforeAll(async () => {
  ;[cluster, kafka] = await Promise.all([startTestCluster(), startKafka()])
})
afterAll(async () => {
  await Promise.all([cluster.stop(), kafka.stop()])
})

/** One system, and operators that look after its namespace only: the modes are gone through side by side. */
async function startWorld() {
  const namespace = await cluster.namespace()
  const env = { WATCH_NAMESPACE: namespace }
  const reaches = (type: string, status: string): Promise<unknown> =>
    untilCondition(cluster.client, namespace, { type, status }, { deadline: 90_000 })
  const edit = async (mode?: 'Network' | 'ScaleDown'): Promise<void> => {
    const services = mode === undefined ? {} : { services: { audit: { isolated: isolated(mode) } } }
    await applyBot(cluster.client, namespace, {
      ...services,
      kafka: { mode: 'External', bootstrapServers: [kafka.brokers], topicPrefix: `${namespace}.` },
    })
  }
  await edit()
  await withOperator(cluster, { env }, () => reaches('Ready', 'True'))
  return { ...isolationWorld(cluster, namespace), namespace, env, reaches, edit }
}

test.concurrent.each(['ScaleDown', 'Network'] as const)(
  'an isolation by %s, and its end, survive an operator that is killed after any write',
  { timeout: 900_000 },
  async (mode) => {
    const world = await startWorld()
    const { namespace, env, reaches, edit } = world
    const inForce = async (): Promise<void> => {
      await reaches('Isolated', 'True')
      await (mode === 'Network' ? world.isCutOff() : world.isScaledDown())
    }
    const over = async (): Promise<void> => {
      await reaches('Ready', 'True')
      await world.isAsBefore()
    }
    const before = (await incidentsOf(cluster, namespace)).length
    const points = { begin: 0, end: 0 }
    let going = true
    for (let n = 1, round = 1; going; n += crashStride, round += 1) {
      await edit(mode)
      const began = await crashesAfter(cluster, n, inForce, env)
      if (began) points.begin += 1
      await withOperator(cluster, { env }, inForce)
      await edit()
      const ended = await crashesAfter(cluster, n, over, env)
      if (ended) points.end += 1
      await withOperator(cluster, { env }, over)
      expect(await incidentsOf(cluster, namespace)).toHaveLength(before + round)
      going = began || ended
    }
    expect(Math.min(points.begin, points.end)).toBeGreaterThan(1)
    // The numbers belong to what has to be shown.
    process.stdout.write(
      `crash points of ${mode}: ${points.begin} to begin, ${points.end} to end, ${crashPointsTaken}; all converged\n`,
    )
  },
)
