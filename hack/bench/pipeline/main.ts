/**
 * From HTTP request to audit commit on the full cluster, beside the parts on their own in the same run.
 * `hack/bench/run pipeline [--system todo-app/todo] [--rates 50,100,200] [--seconds 20] [--changes 3000] [--backups] [--json file]`; `--backups`
 * runs the second rate once more while the system is backed up all the time.
 * Needs a cluster with that system (./hack/up).
 */
import { writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { signUp } from '../../e2e/support/account.ts'
import { testCluster } from '../../e2e/support/cluster.ts'
import { ownerConnection } from '../../e2e/support/database.ts'
import { kafkaOf } from '../../e2e/support/kafka.ts'
import { systemIn } from '../../e2e/support/system.ts'
import { markdownTable } from '../table.ts'
import { followAuditTrail } from './audit-tail.ts'
import { besideBackups } from './beside-backups.ts'
import { kafkaFloor, postgresFloor } from './floors.ts'
import type { FloorResult } from './floors.ts'
import { asFastAsPossible, atRate } from './load.ts'
import type { LoadResult } from './load.ts'

const { values: options } = parseArgs({
  options: {
    system: { type: 'string', default: 'todo-app/todo' },
    rates: { type: 'string', default: '50,100,200' },
    seconds: { type: 'string', default: '20' },
    changes: { type: 'string', default: '3000' },
    backups: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
})
const [namespace = '', name = ''] = options.system.split('/')
const USERS = 20

const cluster = await testCluster()
const chatApi = await systemIn(cluster, namespace, name).worker('chat-api')
const connection = await ownerConnection(cluster, namespace, name)
const tail = await followAuditTrail(connection)
try {
  const users = await Promise.all(Array.from({ length: USERS }, () => signUp(chatApi)))
  console.error('floors')
  const floors = [await postgresFloor(connection), await kafkaFloor(await kafkaOf(cluster, namespace, name))]
  console.error('warming up')
  await atRate(users, 50, 5, tail)
  const loads: LoadResult[] = []
  const rates = options.rates.split(',').map(Number)
  for (const rate of rates) {
    console.error(`${rate}/s`)
    loads.push(await atRate(users, rate, Number(options.seconds), tail))
  }
  if (options.backups) {
    console.error('beside backups')
    const load = () => atRate(users, rates[1] ?? rates[0] ?? 100, Number(options.seconds), tail)
    loads.push(await besideBackups(cluster, { namespace, system: name }, load))
  }
  console.error('as fast as possible')
  loads.push(await asFastAsPossible(users, 32, Number(options.changes), tail))
  if (options.json !== undefined) {
    const machine = { cpus: cpus().length, model: cpus()[0]?.model.trim() ?? '' }
    const report = { date: new Date().toISOString(), node: process.version, machine, floors, loads }
    await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`)
  }
  console.log(`${floorTable(floors)}\n\n${loadTable(loads)}`)
} finally {
  await tail.stop()
  await chatApi.close()
  await cluster.close()
}

function floorTable(results: readonly FloorResult[]): string {
  const rows = results.map(({ floor, perSecond, p50, p99 }) => [floor, perSecond, `${p50} ms`, `${p99} ms`])
  return markdownTable(['floor', 'per second', 'p50', 'p99'], rows)
}

function loadTable(results: readonly LoadResult[]): string {
  const header = ['load', 'changes', 'refused', 'answered/s', 'audited/s', 'answer p50', 'p99', 'audited p50', 'p99']
  const rows = results.map((result) => [
    ...[result.load, result.changes, result.refused, result.answeredPerSecond, result.auditedPerSecond],
    ...[result.answeredP50, result.answeredP99, result.auditedP50, result.auditedP99].map((time) => `${time} ms`),
  ])
  return markdownTable(header, rows)
}
