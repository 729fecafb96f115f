/**
 * What the operator costs while nothing happens and while resources are edited at random, for several numbers of systems, beside what
 * the API server itself needs in the same time.
 * `hack/bench/run footprint [--systems 1,50,200] [--seconds 60] [--rate 2] [--seed 1] [--json file]`
 */
import { writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startBackends, startFleet } from '../fleet/fleet.ts'
import type { Backends, Fleet } from '../fleet/fleet.ts'
import { seeded } from '../fleet/random.ts'
import { edited, firstSettings } from '../fleet/settings.ts'
import { usageOf } from '../fleet/usage.ts'
import type { Usage } from '../fleet/usage.ts'
import { rounded } from '../statistics.ts'
import { markdownTable } from '../table.ts'

const { values: options } = parseArgs({
  options: {
    systems: { type: 'string', default: '1,50,200' },
    seconds: { type: 'string', default: '60' },
    rate: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
    json: { type: 'string' },
  },
})
const sizes = options.systems.split(',').map(Number)
const [seconds, rate] = [Number(options.seconds), Number(options.rate)]
/** Caches are warm and what the start needed is collected after this, ms. */
const SETTLE = 15_000

/** One phase: operator and API server in the same time. */
interface Phase {
  readonly systems: number
  readonly phase: 'idle' | 'edits'
  readonly edits: number
  readonly operator: Usage
  readonly apiServer: Usage
}

const backends = await startBackends(Math.max(...sizes))
const phases: Phase[] = []
try {
  for (const size of sizes) phases.push(...(await measure(backends, size)))
} finally {
  await backends.stop()
}
if (options.json !== undefined) {
  const report = { date: new Date().toISOString(), node: process.version, seconds, rate, phases }
  await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`)
}
console.log(table(phases))

async function measure(source: Backends, size: number): Promise<Phase[]> {
  const fleet = await startFleet(size, source)
  try {
    await fleet.untilChecked(300_000)
    await sleep(SETTLE)
    const idle = await both(fleet)
    console.error(`${size} systems, idle: ${JSON.stringify(idle)}`)
    const editing = editAtRandom(fleet)
    const busy = await both(fleet, editing)
    console.error(`${size} systems, edits: ${JSON.stringify(busy)}`)
    return [
      { systems: size, phase: 'idle', edits: 0, ...idle },
      { systems: size, phase: 'edits', edits: await editing, ...busy },
    ]
  } finally {
    await fleet.stop()
  }
}

async function both(fleet: Fleet, work?: Promise<unknown>): Promise<{ operator: Usage; apiServer: Usage }> {
  const apiServerPid = await fleet.apiServerPid()
  const [operator, apiServer] = await Promise.all([
    usageOf(fleet.operator.pid, seconds * 1000, work),
    usageOf(apiServerPid, seconds * 1000, work),
  ])
  return { operator, apiServer }
}

/** Edits systems at random, evenly over the time, and answers how many it were once the last is in effect. */
async function editAtRandom(fleet: Fleet): Promise<number> {
  const random = seeded(Number(options.seed))
  const settings = new Map(fleet.systems.map((system) => [system, firstSettings]))
  const count = Math.round(seconds * rate)
  const started = performance.now()
  for (let index = 0; index < count; index += 1) {
    await sleep(Math.max(0, started + (index * 1000) / rate - performance.now()))
    const system = fleet.systems[Math.floor(random() * fleet.systems.length)]
    if (system === undefined) throw new Error('no systems')
    const next = edited(settings.get(system) ?? firstSettings, random)
    settings.set(system, next)
    await fleet.edit(system, next)
  }
  await fleet.untilReady(60_000)
  return count
}

function table(results: readonly Phase[]): string {
  const header = ['systems', 'phase', 'edits', 'operator CPU', 'CPU/edit', 'API server CPU', 'operator ÷ API server']
  const rows = results.map(({ systems, phase, edits, operator, apiServer }) => [
    ...[systems, phase, edits],
    `${rounded(operator.millicores, 1)} m`,
    edits === 0 ? '' : `${rounded(operator.cpu / edits, 1)} ms`,
    `${rounded(apiServer.millicores, 1)} m`,
    rounded(operator.cpu / apiServer.cpu, 2),
    ...[operator.resident, operator.peak].map((bytes) => `${rounded(bytes / 2 ** 20)} MiB`),
  ])
  return markdownTable([...header, 'RSS', 'peak RSS'], rows)
}
