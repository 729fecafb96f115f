import { afterAll, beforeAll, expect, test } from 'vitest'
import { startKafka, type KafkaServer } from '../../hack/cluster/index.ts'
import { workerNames } from '../src/api/v1alpha1/names.ts'
import { workerFields } from '../src/api/v1alpha1/schema/services.ts'
import { kinds } from '../src/kube/kinds.ts'
import { crashesAfter, crashStride, pointsAt } from './support/doomed-operator.ts'
import {
  applyBot,
  startOperator,
  startTestCluster,
  statusOf,
  until,
  untilCondition,
  type TestCluster,
} from './support/harness.ts'

/**
 * The operator is stopped after single writes of a restart of all workers, and of a change of configuration, in turn (which ones: crashStride): the API server has
 * carried out the write, the answer never reaches the operator, and it sends nothing more. A second operator has to bring every worker to the
 * new template each time, and no worker may be changed twice.
 */
let cluster: TestCluster
let kafka: KafkaServer

beforeAll(async () => {
  ;[cluster, kafka] = await Promise.all([startTestCluster(), startKafka()])
})
afterAll(async () => {
  await Promise.all([cluster.stop(), kafka.stop()])
})

/** The n-th edit of a procedure; each differs from the one before. */
type Edit = (n: number) => { readonly pool?: number; readonly restart?: string }

/** One system, and operators that look after its namespace only: the procedures are gone through side by side. */
async function startWorld(editOf: Edit) {
  const namespace = await cluster.namespace()
  const env = { WATCH_NAMESPACE: namespace }
  const edit = async (n: number): Promise<void> => {
    const { pool = 5, restart = '0' } = editOf(n)
    await applyBot(
      cluster.client,
      namespace,
      {
        kafka: { mode: 'External', bootstrapServers: [kafka.brokers], topicPrefix: `${namespace}.` },
        database: { pool: { max: pool } },
      },
      'todo',
      { 'todochatbot.dev/restart': restart },
    )
  }
  /** Template and generation of every worker's Deployment: a generation is a change of what runs. */
  const deployments = () =>
    Promise.all(
      workerFields.map(async (field) => {
        const { metadata } = await cluster.client.get(kinds.Deployment, {
          namespace,
          name: `todo-${workerNames[field]}`,
        })
        const template = metadata.annotations?.['todochatbot.dev/template-hash'] ?? ''
        return { template, generation: metadata.generation ?? 0 }
      }),
    )
  type Deployments = Awaited<ReturnType<typeof deployments>>
  const rolledOut = (before: Deployments): Promise<Deployments> =>
    until(
      'every worker runs its new template, and the status says so',
      async () => {
        const now = await deployments()
        const { services = [], operation } = (await statusOf(cluster.client, namespace)) ?? {}
        const healthy = workerFields.map(
          (field) => services.find(({ name }) => name === workerNames[field])?.lastHealthy?.template,
        )
        const isNew = now.every(({ template }, at) => template !== before[at]?.template && template === healthy[at])
        return isNew && operation === undefined && now
      },
      60_000,
    )
  await edit(0)
  const first = startOperator(cluster, { env })
  await untilCondition(cluster.client, namespace, { type: 'Ready', status: 'True' }, { deadline: 60_000 })
  await first.stop()
  return { env, edit, deployments, rolledOut }
}

/** A restart takes a write per worker at least, and so few in all on a fast machine that each of them is taken. */
test.concurrent.each<[string, { readonly editOf: Edit; readonly stride: number; readonly least: number }]>([
  ['a restart of all workers', { editOf: (n) => ({ restart: String(n) }), stride: 1, least: workerFields.length }],
  ['a change of configuration', { editOf: (n) => ({ pool: 5 + n }), stride: crashStride, least: 8 }],
])('%s survives an operator that is killed after any write', { timeout: 600_000 }, async (what, sweep) => {
  const { editOf, stride, least } = sweep
  const { env, edit, deployments, rolledOut } = await startWorld(editOf)
  let points = 0
  let last = 0
  for (let n = 1, crashed = true; crashed; n += stride) {
    const before = await deployments()
    await edit(n)
    crashed = await crashesAfter(cluster, n, () => rolledOut(before), env)
    const successor = startOperator(cluster, { env })
    const after = await rolledOut(before)
    await successor.stop()
    expect(after.map(({ generation }, at) => generation - (before[at]?.generation ?? 0))).toEqual([1, 1, 1, 1])
    if (crashed) points += 1
    last = n
  }
  expect(last).toBeGreaterThan(least)
  // The number belongs to what has to be shown.
  process.stdout.write(`crash points of ${what}: ${points}, ${pointsAt(stride)}; all converged\n`)
})
