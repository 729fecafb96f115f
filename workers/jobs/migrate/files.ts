import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** One numbered file. */
export interface Migration {
  /** From 1, without gaps. */
  readonly version: number
  /** File name without number and extension. */
  readonly name: string
  readonly sql: string
  /** SHA-256 of the text, hex. */
  readonly checksum: string
}

/** Why a migration run is refused or gave up. The message says what to do. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError'
}

const pattern = /^(\d{4})_([a-z0-9_]+)\.sql$/
/** A file runs inside a transaction of the runner; one of its own would end that one half way. */
const transactionControl = /^\s*(begin|commit|rollback|start\s+transaction|end)\s*;/im

/** Checks names and numbering and returns the files in order. Throws {@link MigrationError}. */
export const orderMigrations = (files: Readonly<Record<string, string>>): Migration[] => {
  const migrations = Object.entries(files).map(([file, sql]): Migration => {
    const match = pattern.exec(file)
    if (match === null) throw new MigrationError(`${file}: migrations are named like 0001_what_it_does.sql`)
    if (transactionControl.test(sql.replace(/\$\$[\s\S]*?\$\$/g, ''))) {
      throw new MigrationError(`${file}: runs in a transaction already, so it must not begin or end one`)
    }
    const checksum = createHash('sha256').update(sql).digest('hex')
    return { version: Number(match[1]), name: match[2] ?? '', sql, checksum }
  })
  migrations.sort((a, b) => a.version - b.version)
  for (const [index, { version, name }] of migrations.entries()) {
    if (version !== index + 1) {
      throw new MigrationError(
        `${name}: has number ${version} where ${index + 1} comes next; numbers have no gaps and no doubles`,
      )
    }
  }
  return migrations
}

/** Where the migrations of this version are: beside the bundle in an image, two folders up in the source tree. */
export const migrationsDirectory = (): string => {
  const bundled = fileURLToPath(new URL('./migrations', import.meta.url))
  return existsSync(bundled) ? bundled : fileURLToPath(new URL('../../migrations', import.meta.url))
}

/** Reads every `.sql` file of a directory. */
export const readMigrations = async (directory: string): Promise<Migration[]> => {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.sql'))
  if (names.length === 0) throw new MigrationError(`${directory} holds no migrations`)
  const files = await Promise.all(
    names.map(async (name) => [name, await readFile(join(directory, name), 'utf8')] as const),
  )
  return orderMigrations(Object.fromEntries(files))
}

/** What schema_migrations remembers of a file. */
export interface Applied {
  readonly version: number
  readonly name: string
  readonly checksum: string
}

/**
 * The files that are still to run. Versions the database has beyond ours are left alone: this is an older program after a
 * rollback, and migrations are written so that the version before them still works. Throws {@link MigrationError} when a
 * file that was applied is gone or differs from what was applied.
 */
export const pendingMigrations = (files: readonly Migration[], applied: readonly Applied[]): Migration[] => {
  for (const { version, name, checksum } of applied) {
    const file = files[version - 1]
    if (file === undefined) continue
    if (file.checksum !== checksum) {
      throw new MigrationError(
        `migration ${version} (${file.name}) was changed after it had been applied as "${name}": restore the file (SHA-256 ${checksum}) and put the change into a new migration`,
      )
    }
  }
  const done = new Set(applied.map(({ version }) => version))
  const newest = Math.max(0, ...done)
  const pending = files.filter(({ version }) => !done.has(version))
  const late = pending.find(({ version }) => version < newest)
  if (late !== undefined) {
    throw new MigrationError(
      `migration ${late.version} (${late.name}) was never applied although ${newest} was; schema_migrations has been edited`,
    )
  }
  return pending
}
