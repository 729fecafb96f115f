/**
 * Everything that must hold before a change is merged, in one run: static checks, unit, integration and end-to-end
 * tests. The last line is `N passed, N failed`, and the exit code agrees with it.
 *
 * The static checks and the unit tests need nothing but this checkout and run while the programs of the cluster are
 * built and the cluster starts; the rings with real servers follow one after the other, because two of them on two
 * cores would measure each other.
 */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheFolder } from '../cluster/folders.ts'
import { releaseCluster, takeCluster } from './cluster.ts'
import { logEnd, runStep, seconds } from './step.ts'
import type { StepResult, StepSpec } from './step.ts'
import { sum, tallyCheck, tallyRing } from './tally.ts'
import type { Tally } from './tally.ts'

const MINUTE = 60_000
/** The whole run, whatever happens in it: every step is killed and counted as failed after this. */
const LIMIT = 86 * MINUTE

const logs = join(cacheFolder(), 'test-logs')
const begin = performance.now()
const clock = (): string => `[${seconds(performance.now() - begin).padStart(12)}]`
const ending = new AbortController()
const timer = setTimeout(() => ending.abort(), LIMIT)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort())

async function step(spec: StepSpec, signal = ending.signal): Promise<StepResult> {
  console.log(`${clock()} … ${spec.name}`)
  const result = await runStep(spec, logs, signal)
  const outcome = result.ok ? '' : `: ${result.problem ?? 'failed'}`
  console.log(`${clock()} ${result.ok ? '✓' : '✗'} ${spec.name} (${seconds(result.elapsed)})${outcome}`)
  if (!result.ok) console.log((await logEnd(result, 25)).replaceAll(/^/gm, '    '))
  return result
}

const npm = (script: string, timeout: number): StepSpec => ({
  name: script,
  command: ['npm', 'run', '--silent', script],
  timeout,
})

async function ring(name: 'unit' | 'integration' | 'e2e', timeout: number): Promise<Tally> {
  const report = join(logs, `${name}.json`)
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const command = ['npx', 'vitest', 'run', '--project', name, ...reporters] as const
  return tallyRing(await step({ name, command: [...command], timeout }), report)
}

async function withoutServers(): Promise<readonly Tally[]> {
  const tallies: Tally[] = []
  const checks = [npm('typecheck', 5 * MINUTE), npm('lint', 10 * MINUTE), npm('format:check', 5 * MINUTE)]
  for (const check of [...checks, npm('generate:check', 5 * MINUTE)]) tallies.push(tallyCheck(await step(check)))
  return [...tallies, await ring('unit', 10 * MINUTE)]
}

await rm(logs, { recursive: true, force: true })
await mkdir(logs, { recursive: true })
const tallies: Tally[] = []
const cluster = takeCluster((spec) => step(spec))
tallies.push(...(await withoutServers()))
const taken = await cluster
tallies.push(tallyCheck(taken.result))
if (!ending.signal.aborted) tallies.push(await ring('integration', 45 * MINUTE))
// Without a cluster every end-to-end test would fail for the one reason that is reported already.
if (taken.result.ok && !ending.signal.aborted) tallies.push(await ring('e2e', 55 * MINUTE))
// A run that was ended tidies up as well.
const always = new AbortController().signal
if (taken.started) tallies.push(tallyCheck(await releaseCluster((spec) => step(spec, always))))
if (ending.signal.aborted)
  tallies.push({ passed: 0, failed: [`the run was ended after ${seconds(performance.now() - begin)}`] })
clearTimeout(timer)

const { passed, failed } = sum(tallies)
console.log(`\nLogs: ${logs}. Time: ${seconds(performance.now() - begin)}.`)
for (const name of failed) console.log(`FAILED ${name}`)
console.log(`${passed} passed, ${failed.length} failed`)
process.exit(failed.length === 0 ? 0 : 1)
