/**
 * Backup and restore by our Jobs beside bare pg_dump, pg_restore and plain kafkajs copies of the same data, on servers of this run.
 * Half of the data is in PostgreSQL, half in a topic. `hack/bench/run backup [--sizes 10,100,500] [--no-restore] [--json file]`, sizes in MB; a size that is
 * named several times is measured as often.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startKafka, startPostgres } from '../../cluster/index.ts'
import { markdownTable } from '../table.ts'
import { contest } from './contest.ts'
import type { Round } from './contest.ts'

const { values: options } = parseArgs({
  options: {
    sizes: { type: 'string', default: '10,100,500' },
    'no-restore': { type: 'boolean', default: false },
    json: { type: 'string' },
  },
})
const folder = await mkdtemp(join(tmpdir(), 'todochatbot-backup-bench-'))
const [postgres, kafka] = await Promise.all([startPostgres(), startKafka()])
const rounds: Round[] = []
try {
  for (const [round, megabytes] of options.sizes.split(',').map(Number).entries()) {
    console.error(`${megabytes} MB`)
    const restoring = !options['no-restore']
    rounds.push(await contest({ postgres, kafka, folder }, { round, megabytes, restoring }))
  }
} finally {
  await Promise.all([postgres.stop(), kafka.stop()])
  await rm(folder, { recursive: true, force: true })
}
if (options.json !== undefined) {
  const machine = { cpus: cpus().length, model: cpus()[0]?.model.trim() ?? '' }
  const report = { date: new Date().toISOString(), node: process.version, machine, rounds }
  await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`)
}
console.log(`${backupTable(rounds)}\n\n${restoreTable(rounds)}`)

function backupTable(all: readonly Round[]): string {
  const rows = all.map(({ megabytes, floor, backup, incremental }) => [
    `${megabytes} MB`,
    ...[seconds(floor.dump), seconds(floor.read), seconds(backup.took), ratio(backup.took, floor.dump + floor.read)],
    ...[perSecond(megabytes, backup.took), memory(backup.peak), memory(backup.bytes)],
    `${seconds(incremental.took)}, ${memory(incremental.bytes)}`,
  ])
  const header = [
    'data',
    'pg_dump',
    'kafkajs',
    'backup',
    'ratio',
    'MB/s',
    'memory',
    'stored',
    'incremental, 5 % more events',
  ]
  return markdownTable(header, rows)
}

function restoreTable(all: readonly Round[]): string {
  const rows = all.flatMap(({ megabytes, floor, restore }) =>
    restore === undefined
      ? []
      : [
          [
            `${megabytes} MB`,
            ...[floor.restore, floor.write, restore.check, restore.database, restore.topics].map(seconds),
            ratio(restore.database + restore.topics, floor.restore + floor.write),
            ...[perSecond(megabytes, restore.check + restore.database + restore.topics), memory(restore.peak)],
          ],
        ],
  )
  return markdownTable(
    ['data', 'pg_restore', 'kafkajs', 'check', 'database', 'topics', 'ratio without check', 'MB/s', 'memory'],
    rows,
  )
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`
}

function ratio(ours: number, floor: number): string {
  return (ours / floor).toFixed(2)
}

function perSecond(megabytes: number, milliseconds: number): string {
  return ((megabytes * 1000) / milliseconds).toFixed(1)
}

function memory(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MB`
}
