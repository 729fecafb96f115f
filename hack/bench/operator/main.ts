/**
 * Compares the operator with the raw floor and with a Go operator on controller-runtime, on API servers of their own,
 * one after the other. `hack/bench/run operator [--sizes 100,500] [--only floor,peer,drift-peer,operator] [--idle 30] [--json file]`
 */
import { writeFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { startKafka, startPostgres, startRedis } from '../../cluster/index.ts'
import { rounded } from '../statistics.ts'
import { driftPeer, peer, product } from './contestants.ts'
import { createTopics, startBenchControlPlane } from './environment.ts'
import { measureFloor } from './floor.ts'
import type { Floor } from './floor.ts'
import { measure } from './measure.ts'
import type { Measurement, RunInput } from './measure.ts'
import { report } from './report.ts'
import { systemNames, template } from './resources.ts'
import type { Dependencies, SystemName } from './resources.ts'

const { values: options } = parseArgs({
  options: {
    sizes: { type: 'string', default: '100,500' },
    only: { type: 'string', default: 'floor,peer,drift-peer,operator' },
    idle: { type: 'string', default: '30' },
    json: { type: 'string' },
  },
})
const sizes = options.sizes.split(',').map(Number)
const chosen = options.only.split(',')

const postgres = await startPostgres()
const redis = await startRedis()
const kafka = await startKafka()
try {
  const dependencies: Dependencies = { kafka: kafka.brokers, redis: redis.address }
  const topics = await createTopics(systemNames(Math.max(...sizes)), dependencies)
  console.error(`${topics} topics created`)
  const source = template(dependencies)
  const results: (Measurement | Floor)[] = []
  for (const size of sizes) {
    const systems = systemNames(size)
    const run = async <T extends Measurement | Floor>(
      name: string,
      work: (input: RunInput) => Promise<T>,
    ): Promise<void> => {
      if (!chosen.includes(name)) return
      const started = performance.now()
      const result = await onFreshControlPlane(systems, postgres.url, (environment) =>
        work({ environment, systems, dependencies, template: source, idleSeconds: Number(options.idle) }),
      )
      results.push(result)
      console.error(
        `${name} ${size}: ${JSON.stringify(result)} (${rounded((performance.now() - started) / 1000)} s in all)`,
      )
    }
    await run('floor', measureFloor)
    for (const contestant of [peer, driftPeer, product])
      await run(contestant.name, (input) => measure(contestant, input))
  }
  const machine = {
    cpus: cpus().length,
    model: cpus()[0]?.model.trim() ?? '',
    memoryGiB: rounded(totalmem() / 2 ** 30),
  }
  if (options.json !== undefined) {
    const figures = { date: new Date().toISOString(), node: process.version, machine, results }
    await writeFile(options.json, `${JSON.stringify(figures, null, 2)}\n`)
  }
  console.log(report(results))
} finally {
  await Promise.all([kafka.stop(), redis.stop(), postgres.stop()])
}

async function onFreshControlPlane<T>(
  systems: readonly SystemName[],
  databaseUri: string,
  work: (environment: Awaited<ReturnType<typeof startBenchControlPlane>>) => Promise<T>,
): Promise<T> {
  const environment = await startBenchControlPlane(systems, databaseUri)
  try {
    return await work(environment)
  } finally {
    await environment.stop()
  }
}
