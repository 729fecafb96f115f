import { describe, expect, test } from 'vitest'
import { StorageError } from '../lib/postgres-errors.ts'
import type { Processed } from '../lib/inbox.ts'
import type { AuditRecord } from '../lib/audit-trail/entry.ts'
import { groupCommit } from './group-commit.ts'

const record = (eventId: string): AuditRecord => ({ eventId }) as AuditRecord
const ids = (records: readonly AuditRecord[]): string[] => records.map(({ eventId }) => eventId)

/** An append that notes its batches and refuses those with a record of the given id. */
const recorder = (refuse: string, error: unknown) => {
  const batches: string[][] = []
  const append = async (records: readonly AuditRecord[]): Promise<readonly Processed[]> => {
    batches.push(ids(records))
    await Promise.resolve()
    if (ids(records).includes(refuse)) throw error
    return records.map(({ eventId }) => (eventId.startsWith('known') ? 'duplicate' : 'processed'))
  }
  return { append, batches }
}

describe('group commit', () => {
  test('what arrives during a transaction shares the next one, and each caller gets its own outcomes', async () => {
    const { append, batches } = recorder('', undefined)
    const grouped = groupCommit(append)
    const calls = ['a', 'b', 'known', 'c'].map((id) => grouped([record(id)]))
    expect(await Promise.all(calls)).toEqual([['processed'], ['processed'], ['duplicate'], ['processed']])
    expect(batches).toEqual([['a'], ['b', 'known', 'c']])
  })

  test('a record that cannot be stored fails alone', async () => {
    const { append, batches } = recorder('bad', new StorageError('does not fit', undefined))
    const grouped = groupCommit(append)
    const calls = ['first', 'good', 'bad', 'other'].map((id) => grouped([record(id)]))
    const results = await Promise.allSettled(calls)
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
    expect(batches.slice(1)).toEqual([['good', 'bad', 'other'], ['good'], ['bad'], ['other']])
  })

  test('when the database is away, all of a batch fail at once instead of one after the other', async () => {
    const lost = new StorageError('Connection terminated', new Error('Connection terminated unexpectedly'))
    const { append, batches } = recorder('bad', lost)
    const grouped = groupCommit(append)
    const results = await Promise.allSettled(['first', 'good', 'bad'].map((id) => grouped([record(id)])))
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
    expect(batches).toHaveLength(2)
  })
})
