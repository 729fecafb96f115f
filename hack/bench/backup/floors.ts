/** The parts of a backup and a restore done with nothing but the tools they stand on, each in a process of its own, as our Jobs are. */
import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { uriOf } from '../../../workers/jobs/restore/databases.ts'

const run = promisify(execFile)

/** How long a floor took, ms, and the bytes it left. */
export interface Floor {
  readonly took: number
  readonly bytes: number
}

const timed = async (path: string, work: () => Promise<unknown>): Promise<Floor> => {
  const begun = performance.now()
  await work()
  const took = performance.now() - begun
  return { took, bytes: (await stat(path)).size }
}

/** pg_dump in its custom format at the level our Job uses. */
export const pgDump = (uri: string, path: string, level: number): Promise<Floor> =>
  timed(path, () => run('pg_dump', ['--format=custom', `--compress=${level}`, `--file=${path}`, `--dbname=${uri}`]))

/**
 * createdb and pg_restore: a restore makes the database it fills.
 * @param uri of a database of the server @param name of the database that is made
 */
export const pgRestore = (uri: string, name: string, path: string): Promise<Floor> =>
  timed(path, async () => {
    await run('createdb', ['--template=template0', `--maintenance-db=${uri}`, name])
    await run('pg_restore', ['--no-owner', '--exit-on-error', `--dbname=${uriOf(uri, name)}`, path])
  })

/**
 * Copies a topic into a file or a file into a topic (kafka-copy.ts). As with our Jobs, the time begins when the modules of the process are loaded.
 */
export const copyTopic = async (
  what: 'read' | 'write',
  brokers: string,
  topic: string,
  path: string,
): Promise<Floor> => {
  const program = join(import.meta.dirname, 'kafka-copy.ts')
  const { stdout } = await run(process.execPath, [program, what, brokers, topic, path])
  return { took: Number(stdout), bytes: (await stat(path)).size }
}
