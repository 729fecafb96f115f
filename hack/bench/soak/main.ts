/**
 * Edits systems at random for a long time while the API server is restarted and the operator's watches are cut, and then checks that
 * every edit is in effect, that no write of the operator was without a cause, and that memory does not grow.
 * `hack/bench/run soak [--systems 200] [--minutes 30] [--rate 2] [--restart-every 300] [--cut-every 60] [--seed 1] [--json file]`;
 * times in seconds but for the minutes. A short one to see that it works: `--systems 10 --minutes 0.5 --restart-every 12 --cut-every 5`.
 */
import { writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startBackends, startFleet } from '../fleet/fleet.ts'
import { startRelay } from '../fleet/relay.ts'
import type { Relay } from '../fleet/relay.ts'
import { seeded } from '../fleet/random.ts'
import { startRecorder } from '../operator/recorder.ts'
import { liveHeap } from '../live-heap.ts'
import { rounded } from '../statistics.ts'
import { markdownTable } from '../table.ts'
import { disturb } from './disturb.ts'
import { editAtRandom } from './edit.ts'
import { judge } from './judge.ts'
import { sampleMemory } from './memory.ts'

const { values: options } = parseArgs({
  options: {
    systems: { type: 'string', default: '200' },
    minutes: { type: 'string', default: '30' },
    rate: { type: 'string', default: '2' },
    'restart-every': { type: 'string', default: '300' },
    'cut-every': { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    json: { type: 'string' },
  },
})
const duration = Number(options.minutes) * 60_000
const backends = await startBackends(Number(options.systems))
let relay: Relay | undefined
try {
  const fleet = await startFleet(Number(options.systems), backends, async ({ plane }) => {
    relay = await startRelay(Number(new URL(plane.url).port))
    return `https://127.0.0.1:${relay.port}`
  })
  try {
    const recorder = await startRecorder(fleet.environment.plane.auditLogPath)
    await fleet.untilChecked(300_000)
    await recorder.untilQuiet(5_000, 300_000)
    const from = { children: recorder.children.length, statuses: recorder.statuses.length }
    console.error(`${fleet.systems.length} systems are ready; ${options.minutes} minutes of edits begin`)
    const heaps = [await liveHeap(fleet.operator.pid)]
    const memory = sampleMemory(fleet.operator.pid, duration / 200)
    const [made, faults, halfway] = await Promise.all([
      editAtRandom(fleet, backends.dependencies, seeded(Number(options.seed)), {
        duration,
        rate: Number(options.rate),
      }),
      disturb(fleet, relay, {
        duration,
        restartEvery: Number(options['restart-every']) * 1000,
        cutEvery: Number(options['cut-every']) * 1000,
      }),
      sleep(duration / 2).then(() => liveHeap(fleet.operator.pid)),
    ])
    await fleet.untilReady(120_000)
    await recorder.untilQuiet(5_000, 120_000)
    const samples = await memory.stop()
    heaps.push(halfway, await liveHeap(fleet.operator.pid))
    const writes = {
      children: recorder.children.slice(from.children),
      statuses: recorder.statuses.slice(from.statuses),
    }
    const verdict = await judge(fleet, { ...made, ...faults, ...writes, samples, heaps })
    console.log(markdownTable(['figure', 'value'], Object.entries(verdict.figures)))
    for (const problem of verdict.problems) console.log(problem)
    console.log(verdict.problems.length === 0 ? 'every edit in effect, every write with a cause' : 'FAILED')
    if (options.json !== undefined) {
      const report = { date: new Date().toISOString(), options, ...verdict, samples }
      await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`)
    }
    process.exitCode = verdict.problems.length === 0 ? 0 : 1
    console.error(`peak ${rounded(Math.max(...samples.map(({ resident }) => resident)) / 2 ** 20)} MiB`)
  } finally {
    await fleet.stop()
  }
} finally {
  await relay?.close()
  await backends.stop()
}
