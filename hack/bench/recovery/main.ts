/**
 * Seconds from a worker's kill to healthy again, and from an edit to rolled out, beside bare Deployments of the same image in the same run:
 * `hack/bench/run recovery [--json FILE]`, on a cluster started by ./hack/up. The bare ones run a server of one line without a sidecar: they
 * show what Kubernetes takes, the rest is what worker and sidecar take to start, and what the operator adds.
 */
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { testCluster } from '../../e2e/support/cluster.ts'
import { crash } from '../../e2e/support/crash.ts'
import { eventually } from '../../e2e/support/eventually.ts'
import { testNamespace } from '../../e2e/support/namespace.ts'
import { deploymentOf, podSelector } from '../../e2e/support/rollout.ts'
import { systemIn } from '../../e2e/support/system.ts'
import { workers } from '../../e2e/support/workers.ts'
import { markdownTable } from '../table.ts'
import { bareNames, createBare } from './bare.ts'

const { values: options } = parseArgs({ options: { json: { type: 'string' } } })
const deadline = 300_000

const cluster = await testCluster()
const namespace = await testNamespace(cluster, 'bench-recovery')
try {
  const todo = systemIn(cluster, namespace.name, 'todo')
  await Promise.all([todo.apply(), createBare(cluster, namespace.name)])
  await todo.ready()

  const timed = async (work: () => Promise<unknown>): Promise<number> => {
    const begun = performance.now()
    await work()
    return performance.now() - begun
  }
  const kubectl = (...args: string[]): Promise<string> =>
    cluster.kubectl([...args, '-n', namespace.name], { timeout: deadline })
  const restart = async (deployment: string): Promise<void> => {
    await kubectl('rollout', 'restart', `deployment/${deployment}`)
    await kubectl('rollout', 'status', `deployment/${deployment}`)
  }
  /** The template is a new one, and the status calls it healthy. */
  const rolledOut = (worker: string, before: string): Promise<unknown> =>
    eventually(
      `${worker} is rolled out`,
      async () => {
        const template = await templateOf(worker)
        const said = (await todo.status()).services?.find(({ name }) => name === worker)?.lastHealthy?.template
        return template !== before && said === template
      },
      deadline,
      100,
    )
  const templateOf = async (worker: string): Promise<string> =>
    (await deploymentOf(cluster, namespace.name, 'todo', worker))?.metadata.annotations?.[
      'todochatbot.dev/template-hash'
    ] ?? ''

  const figures: Record<string, readonly number[]> = {}
  console.error('kills')
  figures['kill → ready, bare'] = await inTurn(bareNames, async (name) => {
    const target = { namespace: namespace.name, selector: `app=${name}`, container: 'bare' }
    return (await crash(cluster, target)).recovered
  })
  figures['kill → ready, worker'] = await inTurn(workers, async (worker) => {
    const target = { namespace: namespace.name, selector: podSelector('todo', worker), container: worker }
    return (await crash(cluster, target)).recovered
  })
  await todo.ready()
  console.error('rollouts')
  figures['restart → rolled out, bare'] = await inTurn(bareNames, (name) => timed(() => restart(name)))
  figures['edit → rolled out, one worker'] = await inTurn(workers, async (worker) => {
    const before = await templateOf(worker)
    const field = worker.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
    return timed(async () => {
      await todo.edit({ services: { [field]: { restartedAt: new Date().toISOString() } } })
      await rolledOut(worker, before)
    })
  })
  const before = await Promise.all(workers.map(templateOf))
  figures['edit → rolled out, all four'] = [
    await timed(async () => {
      await todo.edit({ database: { pool: { max: 6 } } })
      await Promise.all(workers.map((worker, index) => rolledOut(worker, before[index] ?? '')))
    }),
  ]
  console.log(table(figures))
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(figures, null, 2)}\n`)
} finally {
  await namespace.remove()
  await cluster.close()
}

async function inTurn<T>(items: readonly T[], work: (item: T) => Promise<number>): Promise<readonly number[]> {
  const results: number[] = []
  for (const item of items) results.push(await work(item))
  return results
}

function table(all: Readonly<Record<string, readonly number[]>>): string {
  const seconds = (ms: number): string => (ms / 1000).toFixed(1)
  const rows = Object.entries(all).map(([what, times]) => {
    const sorted = times.toSorted((a, b) => a - b)
    const median = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
    return [what, times.length, seconds(sorted[0] ?? 0), seconds(median), seconds(sorted.at(-1) ?? 0)]
  })
  return markdownTable(['what', 'times', 'least s', 'median s', 'most s'], rows)
}
