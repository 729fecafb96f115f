import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { BackupError, wordsOf } from '../../lib/backup/errors.ts'
import { childEnvironment } from '../../lib/environment.ts'

/** What pg_dump says at most that is kept, bytes. */
const wordsKept = 4_096

/** Highest level of gzip, which is what pg_dump 15 compresses with. */
const highestLevel = 9

/** Version of the pg_dump on the PATH, such as 15.14. */
export const pgDumpVersion = async (): Promise<string> => {
  try {
    const { stdout } = await promisify(execFile)('pg_dump', ['--version'], { timeout: 10_000 })
    return /\d+(\.\d+)*/.exec(stdout)?.[0] ?? stdout.trim()
  } catch (error) {
    throw new BackupError('DatabaseFailed', `pg_dump cannot be run: ${wordsOf(error)}`, { cause: error })
  }
}

/** URI without its password, which must not be seen in a list of processes, and the password for the environment. */
export const withoutPassword = (uri: string): { readonly uri: string; readonly password: string } => {
  const url = new URL(uri)
  const password = decodeURIComponent(url.password)
  url.password = ''
  return { uri: url.href, password }
}

/**
 * The whole database as pg_dump's custom format. Ends with BackupError DatabaseFailed unless pg_dump said that all went well; a reader that
 * goes away, or the signal, ends pg_dump.
 */
export async function* dumpDatabase(options: {
  readonly uri: string
  /** Of the cut. */
  readonly snapshot: string
  readonly compressionLevel: number
  readonly signal: AbortSignal
}): AsyncGenerator<Uint8Array> {
  const { snapshot, compressionLevel, signal } = options
  const { uri, password } = withoutPassword(options.uri)
  signal.throwIfAborted()
  const args = [
    '--format=custom',
    `--compress=${Math.min(compressionLevel, highestLevel)}`,
    `--snapshot=${snapshot}`,
    '--lock-wait-timeout=60000',
    '--no-password',
    `--dbname=${uri}`,
  ]
  const child = spawn('pg_dump', args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: childEnvironment({ PGPASSWORD: password, PGAPPNAME: 'todochatbot-backup' }),
    signal,
  })
  let words = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-wordsKept)
  })
  const closed = once(child, 'close') as Promise<[code: number | null, signal: string | null]>
  // It is awaited below; until then an error (pg_dump is not there, or the signal) must not count as unheard.
  closed.catch(() => undefined)
  try {
    yield* child.stdout as AsyncIterable<Uint8Array>
    const [code, killedBy] = await closed
    if (code === 0) return
    const end = killedBy === null ? `ended with ${code ?? 'nothing'}` : `was ended by ${killedBy}`
    throw new BackupError('DatabaseFailed', `pg_dump ${end}: ${words.trim() || 'it said nothing'}`)
  } finally {
    if (child.exitCode === null) child.kill()
  }
}
