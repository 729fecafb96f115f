import { escapeIdentifier } from 'pg'
import type { Queryable } from '../../lib/postgres.ts'

/** What the workers may do with a table that is not named here. */
const ordinary = 'SELECT, INSERT, UPDATE, DELETE'

/** Tables on which less is granted: what is not granted needs no trigger to refuse it. */
const restricted: Readonly<Record<string, string>> = {
  audit_entries: 'SELECT, INSERT',
  audit_head: 'SELECT, UPDATE',
  schema_migrations: 'SELECT',
}

/**
 * Gives the workers' role exactly what it needs on every table and sequence of the schema, and takes away what an earlier
 * version gave. Idempotent; run it in a transaction, so that running workers never meet a moment without grants.
 */
export const applyGrants = async (db: Queryable, role: string): Promise<void> => {
  const to = escapeIdentifier(role)
  await db.query(`GRANT USAGE ON SCHEMA public TO ${to}`)
  const { rows } = await db.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
      AND pg_has_role(c.relowner, 'USAGE') ORDER BY 1`,
  )
  for (const { name } of rows) {
    const table = escapeIdentifier(name)
    await db.query(`REVOKE ALL ON TABLE ${table} FROM ${to}`)
    await db.query(`GRANT ${restricted[name] ?? ordinary} ON TABLE ${table} TO ${to}`)
  }
  await db.query(`GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO ${to}`)
}
