import { spawn } from 'node:child_process'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Bytes } from '../../lib/backup/streams.ts'
import { RestoreError } from './errors.ts'

/** Last bytes of what pg_restore writes to stderr, which is all a message has room for. */
const keptBytes = 2_000

/** Environment of libpq for a connection string: a password in an argument list could be read by anybody on the node. */
export const libpqEnvironment = (uri: string): Readonly<Record<string, string>> => {
  const { hostname, port, username, password, pathname, searchParams } = new URL(uri)
  const options: Readonly<Record<string, string>> = {
    sslmode: 'PGSSLMODE',
    sslrootcert: 'PGSSLROOTCERT',
    sslcert: 'PGSSLCERT',
    sslkey: 'PGSSLKEY',
    channel_binding: 'PGCHANNELBINDING',
  }
  return {
    PGHOST: decodeURIComponent(hostname).replace(/^\[|\]$/g, ''),
    PGPORT: port === '' ? '5432' : port,
    PGUSER: decodeURIComponent(username),
    PGPASSWORD: decodeURIComponent(password),
    PGDATABASE: decodeURIComponent(pathname.slice(1)),
    PGCONNECT_TIMEOUT: '10',
    ...Object.fromEntries(
      Object.entries(options).flatMap(([option, variable]) => {
        const value = searchParams.get(option)
        return value === null ? [] : [[variable, value]]
      }),
    ),
  }
}

/** What restoring a dump works with. */
export interface PgRestore {
  /** Of the database that is filled. */
  readonly uri: string
  readonly dump: Bytes
  /** PATH that pg_restore is looked for in. */
  readonly searchPath: string
  readonly signal: AbortSignal
}

/**
 * Whether pg_restore ended because the server went away: libpq's words, untranslated because its environment has no locale. Such a restore is tried
 * again, where one that the server refused is not.
 */
export const lostServer = (said: string): boolean =>
  /server closed the connection|terminating connection|connection to server|no connection to the server|could not (send data to|receive data from) server|the database system is|SSL connection has been closed|SSL SYSCALL error/.test(
    said,
  )

/**
 * Feeds a dump to pg_restore. Owner and grants are ours to give, so they are left out.
 * @throws RestoreError NotAsWritten when it refuses the dump; Error when the server went away, or the program was killed
 */
export const pgRestore = async ({ uri, dump, searchPath, signal }: PgRestore): Promise<void> => {
  const env = libpqEnvironment(uri)
  const child = spawn(
    'pg_restore',
    ['--exit-on-error', '--no-owner', '--no-privileges', `--dbname=${env['PGDATABASE'] ?? ''}`],
    { env: { PATH: searchPath, ...env }, stdio: ['pipe', 'ignore', 'pipe'], signal },
  )
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-keptBytes)
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  // Both are awaited: what the source says (a checksum that does not hold) explains more than pg_restore's end of file.
  const [fed, code] = await Promise.allSettled([pipeline(Readable.from(dump), child.stdin), ended])
  signal.throwIfAborted()
  if (fed.status === 'rejected' && !isBrokenPipe(fed.reason)) throw fed.reason
  if (code.status === 'rejected') throw code.reason
  if (code.value === 0) return
  const ending = `pg_restore ended with ${String(code.value)}: ${said.trim()}`
  if (code.value === null || lostServer(said)) throw new Error(ending)
  throw new RestoreError('NotAsWritten', ending)
}

const isBrokenPipe = (error: unknown): boolean => (error as NodeJS.ErrnoException | undefined)?.code === 'EPIPE'
