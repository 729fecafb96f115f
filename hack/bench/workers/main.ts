/**
 * What each worker holds in memory while it has nothing to do: the image's bundle with the image's options, a migrated PostgreSQL, the
 * probes of its pod and a sidecar that says it is well. Beside it the floor: the same Node with the same options and no program.
 * `hack/bench/run workers [--seconds 60] [--only chat-api,audit] [--options "<NODE_OPTIONS instead of the image's>"] [--json file]`
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { request } from 'undici'
import { startMigratedDatabase } from '../../../workers/test/support/migrated-database.ts'
import { freePorts } from '../../cluster/free-ports.ts'
import { waitFor } from '../../cluster/waiting.ts'
import { bundle } from '../../images/bundle.ts'
import { imageEnvironment } from '../image-environment.ts'
import { processCpu } from '../process-cpu.ts'
import { processMemory } from '../process-memory.ts'
import type { ProcessMemory } from '../process-memory.ts'
import { rounded } from '../statistics.ts'
import { markdownTable } from '../table.ts'

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    only: { type: 'string', default: 'chat-api,recurring-task,notification,audit' },
    options: { type: 'string' },
    json: { type: 'string' },
  },
})
/** As the Deployment's probes do, ms. */
const PROBE_PERIOD = 2_000

/** A program that sat idle: memory in bytes, CPU in thousandths of a core. */
interface Idle extends ProcessMemory {
  readonly name: string
  readonly millicores: number
}

const folder = await mkdtemp(join(tmpdir(), 'todochatbot-workers-'))
const system = await startMigratedDatabase()
const sidecar = createServer((_request, response) => response.writeHead(204).end())
await new Promise<void>((resolve) => sidecar.listen(0, '127.0.0.1', resolve))
const daprPort = (sidecar.address() as AddressInfo).port
try {
  await bundle(join(folder, 'dist'))
  const environment = {
    PATH: process.env['PATH'],
    ...(await imageEnvironment('workers')),
    ...(options.options === undefined ? {} : { NODE_OPTIONS: options.options }),
  }
  const floor = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { env: environment })
  const results = [await idle('floor: node', floor)]
  for (const worker of options.only.split(',')) results.push(await idleWorker(worker, environment))
  if (options.json !== undefined) {
    const report = { date: new Date().toISOString(), node: process.version, environment, results }
    await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`)
  }
  const mebibytes = (bytes: number): string => `${rounded(bytes / 2 ** 20, 1)} MiB`
  console.log(
    markdownTable(
      ['program', 'RSS', 'of it its own', 'of it files', 'peak RSS', 'CPU'],
      results.map(({ name, resident, anonymous, files, peak, millicores }) => [
        ...[name, ...[resident, anonymous, files, peak].map(mebibytes)],
        `${rounded(millicores, 1)} m`,
      ]),
    ),
  )
} finally {
  sidecar.closeAllConnections()
  sidecar.close()
  await system.stop()
  await rm(folder, { recursive: true, force: true })
}

async function idleWorker(worker: string, environment: NodeJS.ProcessEnv): Promise<Idle> {
  const [port = 0] = await freePorts(1)
  const home = join(folder, worker)
  const [config, secrets] = [join(home, 'config'), join(home, 'secrets')]
  await mkdir(config, { recursive: true })
  await mkdir(secrets)
  const key = randomBytes(32).toString('base64url')
  for (const [name, value] of Object.entries({
    databaseUri: system.server.url,
    ...{ jwtKey: key, serviceToken: key, appToken: key },
  }))
    await writeFile(join(secrets, name), value)
  await writeFile(
    join(config, 'config.json'),
    JSON.stringify({
      ...{ service: `todo-${worker}`, system: 'todo', version: '0.1.0', logLevel: 'warn', http: { port } },
      dapr: { httpPort: daprPort, pubsub: 'todo-task-pubsub', stateStore: 'todo-statestore' },
      topics: { taskEvents: 'task-events', taskReminders: 'task-reminders', taskUpdates: 'task-updates' },
      settings: {},
    }),
  )
  const child = spawn(process.execPath, [join(folder, 'dist/workers', `${worker}.mjs`)], {
    env: { ...environment, TODOCHATBOT_CONFIG_DIR: config, TODOCHATBOT_SECRETS_DIR: secrets },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const probe = async (): Promise<true | undefined> => {
    const { statusCode, body } = await request(`http://127.0.0.1:${port}/readyz`)
    await body.dump()
    return statusCode === 200 ? true : undefined
  }
  try {
    await waitFor(`${worker} ready`, probe, { timeout: 60_000, interval: 200 })
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
  return idle(worker, child, probe)
}

/** Leaves a program alone but for its probes, looks at it, and ends it. */
async function idle(name: string, child: ChildProcess, probe?: () => Promise<unknown>): Promise<Idle> {
  const exited = once(child, 'exit')
  const { pid } = child
  if (pid === undefined) throw new Error(`${name} did not start`)
  try {
    const [started, before] = [performance.now(), await processCpu(pid)]
    while (performance.now() - started < Number(options.seconds) * 1000) {
      await sleep(PROBE_PERIOD)
      await probe?.()
    }
    const memory = await processMemory(pid)
    const millicores = (((await processCpu(pid)) - before) / (performance.now() - started)) * 1000
    console.error(`${name}: ${JSON.stringify({ ...memory, millicores: rounded(millicores, 1) })}`)
    return { name, ...memory, millicores }
  } finally {
    child.kill('SIGKILL')
    await exited
  }
}
