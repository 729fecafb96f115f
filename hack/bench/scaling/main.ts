/**
 * Seconds from events that wait to pods that take them: `hack/bench/run scaling [--json FILE]`, on a cluster started by ./hack/up. Audit is held, so
 * that its lag stays until the autoscaler has acted; every step is timed from the moment the last event was published.
 */
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { testCluster } from '../../e2e/support/cluster.ts'
import { eventually } from '../../e2e/support/eventually.ts'
import { addTasks, holdAudit } from '../../e2e/support/held-audit.ts'
import { testNamespace } from '../../e2e/support/namespace.ts'
import { deploymentOf } from '../../e2e/support/rollout.ts'
import { systemIn } from '../../e2e/support/system.ts'
import { markdownTable } from '../table.ts'

const { values: options } = parseArgs({ options: { json: { type: 'string' } } })
const cluster = await testCluster()
const namespace = await testNamespace(cluster, 'bench-scaling')
try {
  const todo = systemIn(cluster, namespace.name, 'todo')
  await todo.apply({
    services: { audit: { autoscaling: { min: 1, max: 3, targetLag: 10, scaleDownAfter: '0s' } } },
  })
  await todo.ready()
  const audit = () => deploymentOf(cluster, namespace.name, 'todo', 'audit')
  const held = await holdAudit(cluster, todo)
  const figures: Record<string, number> = {}
  let start = 0
  const time = async (what: string, check: () => Promise<boolean>): Promise<void> => {
    await eventually(what, check, 180_000, 100)
    figures[what] = Math.round(performance.now() - start) / 1000
  }
  try {
    await addTasks(todo, 60)
    start = performance.now()
    await time('lag in the status', async () => Number((await todo.status()).lag ?? 0) >= 50)
    await time('3 pods asked for', async () => (await audit())?.spec.replicas === 3)
    await time('3 pods ready', async () => (await audit())?.status?.readyReplicas === 3)
  } finally {
    await held.release()
  }
  const released = performance.now()
  await eventually('lag gone', async () => (await todo.status()).lag === '0', 180_000, 100)
  figures['lag gone, after audit may go on'] = Math.round(performance.now() - released) / 1000
  console.log(markdownTable(['after the last event', 'seconds'], Object.entries(figures)))
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(figures, null, 2)}\n`)
} finally {
  await namespace.remove()
  await cluster.close()
}
