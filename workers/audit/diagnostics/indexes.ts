import type { Queryable } from '../../lib/postgres.ts'

/** An index as PostgreSQL prints it (pg_indexes.indexdef): the statement that makes it. */
export interface IndexDefinition {
  readonly name: string
  readonly statement: string
}

/** What is wrong with the indexes of the schema. */
export interface IndexFindings {
  /** Expected and not there; `statement` makes it again. */
  readonly missing: readonly IndexDefinition[]
  /** There and unusable, such as after an interrupted CREATE INDEX CONCURRENTLY. */
  readonly invalid: readonly string[]
  readonly expected: number
}

/** Compares the indexes of the schema with {@link expectedIndexes}, by name: how a definition is printed differs between versions of PostgreSQL. */
export async function findIndexProblems(
  db: Queryable,
  expected: readonly IndexDefinition[] = expectedIndexes,
): Promise<IndexFindings> {
  const { rows } = await db.query<{ name: string; valid: boolean }>(
    `SELECT c.relname AS name, i.indisvalid AND i.indisready AS valid
       FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
      WHERE c.relnamespace = 'public'::regnamespace ORDER BY 1`,
  )
  const present = new Map(rows.map(({ name, valid }) => [name, valid]))
  return {
    missing: expected.filter(({ name }) => !present.has(name)),
    invalid: expected.filter(({ name }) => present.get(name) === false).map(({ name }) => name),
    expected: expected.length,
  }
}

/** Every index the migrations leave behind; audit-diagnostics.integration.test.ts holds the list against a migrated database. */
export const expectedIndexes: readonly IndexDefinition[] = [
  {
    name: 'audit_entries_event',
    statement: 'CREATE UNIQUE INDEX audit_entries_event ON public.audit_entries USING btree (stream, event_id)',
  },
  {
    name: 'audit_entries_pkey',
    statement: 'CREATE UNIQUE INDEX audit_entries_pkey ON public.audit_entries USING btree (stream, seq)',
  },
  {
    name: 'audit_entries_recorded',
    statement: 'CREATE INDEX audit_entries_recorded ON public.audit_entries USING btree (recorded_at)',
  },
  {
    name: 'audit_entries_task',
    statement: 'CREATE INDEX audit_entries_task ON public.audit_entries USING btree (task_id, seq)',
  },
  {
    name: 'audit_entries_user',
    statement: 'CREATE INDEX audit_entries_user ON public.audit_entries USING btree (user_id, seq)',
  },
  {
    name: 'audit_head_pkey',
    statement: 'CREATE UNIQUE INDEX audit_head_pkey ON public.audit_head USING btree (stream)',
  },
  {
    name: 'idempotency_keys_expiry',
    statement: 'CREATE INDEX idempotency_keys_expiry ON public.idempotency_keys USING btree (expires_at)',
  },
  {
    name: 'idempotency_keys_pkey',
    statement: 'CREATE UNIQUE INDEX idempotency_keys_pkey ON public.idempotency_keys USING btree (user_id, key)',
  },
  { name: 'inbox_pkey', statement: 'CREATE UNIQUE INDEX inbox_pkey ON public.inbox USING btree (consumer, event_id)' },
  {
    name: 'inbox_processed_at',
    statement: 'CREATE INDEX inbox_processed_at ON public.inbox USING btree (processed_at)',
  },
  {
    name: 'login_failures_expiry',
    statement: 'CREATE INDEX login_failures_expiry ON public.login_failures USING btree (window_ends_at)',
  },
  {
    name: 'login_failures_pkey',
    statement: 'CREATE UNIQUE INDEX login_failures_pkey ON public.login_failures USING btree (account)',
  },
  {
    name: 'notifications_fired',
    statement: 'CREATE INDEX notifications_fired ON public.notifications USING btree (fired_at)',
  },
  {
    name: 'notifications_inbox',
    statement: 'CREATE INDEX notifications_inbox ON public.notifications USING btree (user_id, fired_at DESC, id DESC)',
  },
  {
    name: 'notifications_pkey',
    statement: 'CREATE UNIQUE INDEX notifications_pkey ON public.notifications USING btree (id)',
  },
  {
    name: 'notifications_reminder_id_scheduled_for_channel_key',
    statement:
      'CREATE UNIQUE INDEX notifications_reminder_id_scheduled_for_channel_key ON public.notifications USING btree (reminder_id, scheduled_for, channel)',
  },
  { name: 'outbox_pkey', statement: 'CREATE UNIQUE INDEX outbox_pkey ON public.outbox USING btree (id)' },
  { name: 'outbox_shard_id', statement: 'CREATE INDEX outbox_shard_id ON public.outbox USING btree (shard, id)' },
  {
    name: 'recurrence_series_pkey',
    statement: 'CREATE UNIQUE INDEX recurrence_series_pkey ON public.recurrence_series USING btree (id)',
  },
  {
    name: 'recurrence_series_user',
    statement: 'CREATE INDEX recurrence_series_user ON public.recurrence_series USING btree (user_id)',
  },
  {
    name: 'reminder_tasks_pkey',
    statement: 'CREATE UNIQUE INDEX reminder_tasks_pkey ON public.reminder_tasks USING btree (task_id)',
  },
  {
    name: 'reminders_pending',
    statement: `CREATE INDEX reminders_pending ON public.reminders USING btree (scheduled_for) WHERE (state = 'pending'::text)`,
  },
  { name: 'reminders_pkey', statement: 'CREATE UNIQUE INDEX reminders_pkey ON public.reminders USING btree (id)' },
  { name: 'reminders_task', statement: 'CREATE INDEX reminders_task ON public.reminders USING btree (task_id)' },
  {
    name: 'schema_migrations_pkey',
    statement: 'CREATE UNIQUE INDEX schema_migrations_pkey ON public.schema_migrations USING btree (version)',
  },
  {
    name: 'series_instances_pkey',
    statement:
      'CREATE UNIQUE INDEX series_instances_pkey ON public.series_instances USING btree (series_id, recurrence_id)',
  },
  {
    name: 'series_instances_series_id_position_key',
    statement:
      'CREATE UNIQUE INDEX series_instances_series_id_position_key ON public.series_instances USING btree (series_id, "position")',
  },
  {
    name: 'tasks_by_creation',
    statement:
      'CREATE INDEX tasks_by_creation ON public.tasks USING btree (user_id, created_at DESC, id DESC) WHERE (deleted_at IS NULL)',
  },
  {
    name: 'tasks_by_due',
    statement: `CREATE INDEX tasks_by_due ON public.tasks USING btree (user_id, COALESCE(due_at, 'infinity'::timestamp with time zone), id) WHERE (deleted_at IS NULL)`,
  },
  { name: 'tasks_pkey', statement: 'CREATE UNIQUE INDEX tasks_pkey ON public.tasks USING btree (id)' },
  { name: 'tasks_search', statement: 'CREATE INDEX tasks_search ON public.tasks USING gin (search)' },
  {
    name: 'tasks_series',
    statement: 'CREATE INDEX tasks_series ON public.tasks USING btree (series_id) WHERE (series_id IS NOT NULL)',
  },
  { name: 'users_email', statement: 'CREATE UNIQUE INDEX users_email ON public.users USING btree (lower(email))' },
  { name: 'users_pkey', statement: 'CREATE UNIQUE INDEX users_pkey ON public.users USING btree (id)' },
]
