import { escapeIdentifier } from 'pg'
import type { Manifest } from '../../lib/backup/manifest.ts'
import type { Queryable } from '../../lib/postgres.ts'

/** What the manifest says of the database. */
export interface DatabaseDescription {
  readonly audit: Manifest['cut']['audit']
  /** Rows per table of the schema public. */
  readonly tables: Record<string, number>
  readonly migration: number
  readonly postgresql: string
}

/** Reads it, from one snapshot. */
export const describeDatabase = async (db: Queryable): Promise<DatabaseDescription> => {
  const audit = await db.query<{ stream: string; seq: number; hash: string }>(
    `SELECT stream, seq, encode(hash, 'hex') AS hash FROM audit_head ORDER BY stream`,
  )
  const versions = await db.query<{ migration: number; postgresql: string }>(
    `SELECT (SELECT coalesce(max(version), 0) FROM schema_migrations) AS migration,
      current_setting('server_version') AS postgresql`,
  )
  const names = await db.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1`,
  )
  const tables: Record<string, number> = {}
  for (const { name } of names.rows) {
    const { rows } = await db.query<{ count: number }>(`SELECT count(*) AS count FROM ${escapeIdentifier(name)}`)
    tables[name] = rows[0]?.count ?? 0
  }
  const { migration = 0, postgresql = '' } = versions.rows[0] ?? {}
  return { audit: audit.rows, tables, migration, postgresql }
}
