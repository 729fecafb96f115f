import { expect, test } from 'vitest'
import { lostServer } from './pg-restore.ts'

test.each([
  [
    'a server that was killed under way',
    `pg_restore: error: could not execute query: server closed the connection unexpectedly
\tThis probably means the server terminated abnormally
\tbefore or while processing the request.
Command was: ALTER TABLE ONLY public.outbox ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);`,
  ],
  ['a session that was ended', 'pg_restore: error: FATAL:  terminating connection due to administrator command'],
  [
    'a server that is not there yet',
    'pg_restore: error: connection to server at "127.0.0.1", port 5432 failed: Connection refused',
  ],
  ['a server that starts', 'FATAL:  the database system is in recovery mode'],
])('%s is tried again', (_what, said) => expect(lostServer(said)).toBe(true))

test.each([
  ['a dump that is cut off', 'pg_restore: error: could not read from input file: end of file'],
  ['a relation that exists', 'pg_restore: error: could not execute query: ERROR:  relation "tasks" already exists'],
  ['a role without rights', 'pg_restore: error: could not execute query: ERROR:  permission denied for schema public'],
])('%s is final', (_what, said) => expect(lostServer(said)).toBe(false))
