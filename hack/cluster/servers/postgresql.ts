import { setTimeout as sleep } from 'node:timers/promises'
import { randomBytes } from 'node:crypto'
import { chown, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import { run } from '../command.ts'
import { freePorts } from '../free-ports.ts'
import { serverFolder, startServer, withFreePort } from './server.ts'
import type { Server } from './server.ts'

/** PostgreSQL with the roles and the database a system has. */
export interface PostgresServer extends Server {
  readonly port: number
  /** Database `todo` as the workers' role `todo_app`: may use what migrations grant it. */
  readonly url: string
  /** Database `todo` as its owner `todo_owner`: runs migrations. */
  readonly ownerUrl: string
  /** Database `postgres` as superuser. */
  readonly superuserUrl: string
  /** A further empty database, owned by `todo_owner`: tests in one file can each have their own. Name as in CREATE DATABASE. */
  createDatabase(name: string): Promise<{ readonly url: string; readonly ownerUrl: string }>
}

/** Starts PostgreSQL on a free port in some two seconds. It refuses to run as root, so root runs it as `postgres`. */
export async function startPostgres(): Promise<PostgresServer> {
  return withFreePort(async () => {
    const [port = 0] = await freePorts(1)
    const user = process.getuid?.() === 0 ? await postgresUser() : undefined
    const folder = await serverFolder('postgresql', user)
    const programs = await postgresPrograms()
    const passwords = { postgres: secret(), todo_owner: secret(), todo_app: secret() }
    const data = join(folder, 'data')
    await initialise(programs, folder, data, passwords.postgres, user)
    const url = (role: keyof typeof passwords, database: string): string =>
      `postgres://${role}:${passwords[role]}@127.0.0.1:${port}/${database}`
    const server = await startServer({
      name: 'postgresql',
      folder,
      program: join(programs, 'postgres'),
      args: ['-D', data, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', ...SETTINGS, '-k', folder],
      ...(user === undefined ? {} : { user }),
      ready: () => query(url('postgres', 'postgres'), ['SELECT 1']),
      timeout: 30_000,
    })
    const createDatabase = async (name: string): Promise<{ url: string; ownerUrl: string }> => {
      await query(url('postgres', 'postgres'), [`CREATE DATABASE "${name}" OWNER todo_owner`])
      return { url: url('todo_app', name), ownerUrl: url('todo_owner', name) }
    }
    await query(url('postgres', 'postgres'), [
      `CREATE ROLE todo_owner LOGIN CREATEDB IN ROLE pg_signal_backend PASSWORD '${passwords.todo_owner}'`,
      `CREATE ROLE todo_app LOGIN PASSWORD '${passwords.todo_app}'`,
    ])
    const todo = await createDatabase('todo')
    const restart = () => whenMemoryIsFree(() => server.restart())
    return { ...server, restart, ...todo, port, superuserUrl: url('postgres', 'postgres'), createDatabase }
  })
}

/** After a SIGKILL its other processes need a moment to notice and to let go of the shared memory; until then it does not start. */
async function whenMemoryIsFree(restart: () => Promise<void>): Promise<void> {
  for (let left = 20; ; left -= 1) {
    try {
      await restart()
      return
    } catch (error) {
      if (left === 0 || !String(error).includes('pre-existing shared memory block')) throw error
    }
    await sleep(100)
  }
}

/** The data is thrown away: nothing is synced, which makes start and tests several times faster. What was committed outlives a SIGKILL all the same. */
const SETTINGS = ['fsync=off', 'full_page_writes=off', 'max_connections=200'].flatMap((setting) => ['-c', setting])

const secret = (): string => randomBytes(12).toString('hex')

async function initialise(
  programs: string,
  folder: string,
  data: string,
  password: string,
  user: { uid: number; gid: number } | undefined,
): Promise<void> {
  const passwordFile = join(folder, 'password')
  await writeFile(passwordFile, password, { mode: 0o600 })
  await mkdir(data, { mode: 0o700 })
  for (const path of user === undefined ? [] : [passwordFile, data]) await chown(path, user?.uid ?? 0, user?.gid ?? 0)
  const args = [
    '-D',
    data,
    '-U',
    'postgres',
    '--auth=scram-sha-256',
    `--pwfile=${passwordFile}`,
    '--no-sync',
    '-E',
    'UTF8',
  ]
  await run(join(programs, 'initdb'), [...args, '--locale=C.UTF-8'], { cwd: folder, ...user })
}

/** Debian keeps the server programs in a folder per version, off the PATH; the newest is taken. */
async function postgresPrograms(): Promise<string> {
  const root = '/usr/lib/postgresql'
  const versions = await readdir(root).catch(() => [])
  const newest = versions
    .map(Number)
    .filter(Number.isInteger)
    .sort((a, b) => b - a)[0]
  if (newest === undefined) {
    throw new Error('PostgreSQL is not installed: no /usr/lib/postgresql. Remedy: apt-get install postgresql-15')
  }
  return join(root, String(newest), 'bin')
}

async function postgresUser(): Promise<{ uid: number; gid: number }> {
  const [uid, gid] = await Promise.all([run('id', ['-u', 'postgres']), run('id', ['-g', 'postgres'])])
  return { uid: Number(uid), gid: Number(gid) }
}

async function query(url: string, statements: readonly string[]): Promise<true> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  await client.connect()
  try {
    for (const statement of statements) await client.query(statement)
    return true
  } finally {
    await client.end()
  }
}
