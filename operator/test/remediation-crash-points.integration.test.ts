import { afterAll, beforeAll, expect, test } from 'vitest'
import { startKafka, type KafkaServer } from '../../hack/cluster/index.ts'
import type { RemediationStatus } from '../src/api/v1alpha1/schema/status.ts'
import { kinds } from '../src/kube/kinds.ts'
import { crashesAfter, crashPointsTaken, crashStride, withOperator } from './support/doomed-operator.ts'
import { startTestCluster, until, type TestCluster } from './support/harness.ts'
import { backsOff, remediationWorld, withoutChecks } from './support/remediation-world.ts'

/**
 * The operator is stopped after single writes of a healing, in turn (which ones: crashStride): the API server has carried out the write, the
 * answer never reaches the operator, and it sends nothing more. A second operator has to finish it each time: one entry, one Incident, one action.
 */
let cluster: TestCluster
let kafka: KafkaServer

beforeAll(async () => {
  ;[cluster, kafka] = await Promise.all([startTestCluster(), startKafka()])
})
afterAll(async () => {
  await Promise.all([cluster.stop(), kafka.stop()])
})

const minute = 60_000
const patient = { system: 'todo', worker: 'audit' }

test.concurrent.each(['Recreate', 'Restart'] as const)(
  'a healing by %s survives an operator that is killed after any write',
  { timeout: 600_000 },
  async (action) => {
    const namespace = await cluster.namespace()
    const env = { ...withoutChecks, WATCH_NAMESPACE: namespace }
    const world = remediationWorld(cluster, namespace, kafka.brokers)
    const incidents = async (): Promise<number> =>
      (await cluster.client.list(kinds.Incident, { namespace })).items.length
    /** How far operators are ahead of us, in ms: what fails now has failed for long. */
    let ahead = 0

    let points = 0
    let last = 0
    for (let n = 1, crashed = true; crashed; n += crashStride) {
      // Each healing is one of a new spec, so it begins at the bottom of the ladder.
      await world.apply('todo', {
        remediation: { ladder: [action], stormCooldown: `${10 + n}m` },
        kafka: { mode: 'External', bootstrapServers: [kafka.brokers], topicPrefix: `${namespace}.` },
      })
      await withOperator(cluster, { ahead, env }, () => world.ready('todo'))
      const known = new Set((await world.ledger('todo')).map(({ id }) => id))
      const before = { incidents: await incidents(), pods: cluster.workloads.podsStarted(namespace, 'todo-audit') }
      await world.fail(patient, backsOff)
      ahead += 10 * minute

      const healed = (): Promise<readonly RemediationStatus[]> =>
        until(
          'the healing has ended',
          async () => {
            const entries = (await world.ledger('todo')).filter(({ id }) => !known.has(id))
            const over = entries.length > 0 && entries.every(({ finishedAt }) => finishedAt !== undefined)
            return over && (await world.unhealthy(patient)) === undefined && entries
          },
          90_000,
        )
      crashed = await crashesAfter(cluster, n, healed, env, { ahead })
      await withOperator(cluster, { ahead, env }, async () => {
        expect(await healed()).toMatchObject([{ action, step: 1, state: 'Succeeded' }])
        await world.ready('todo')
      })
      expect(await incidents()).toBe(before.incidents + 1)
      expect(cluster.workloads.podsStarted(namespace, 'todo-audit')).toBe(before.pods + 1)
      if (crashed) points += 1
      last = n
    }
    expect(last).toBeGreaterThan(4)
    // The number belongs to what has to be shown.
    process.stdout.write(`crash points of ${action}: ${points}, ${crashPointsTaken}; all healed by one action\n`)
  },
)
