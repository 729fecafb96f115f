import fc from 'fast-check'
import { expect, test } from 'vitest'
import { shardCount, shardOf } from './outbox.ts'
import { byTopic, nextWave } from './outbox-wave.ts'
import type { OutboxRow } from './outbox-wave.ts'

const rows = fc
  .array(
    fc.record({
      key: fc.constantFrom('ann', 'bob', 'cid'),
      topic: fc.constantFrom('taskEvents' as const, 'taskReminders' as const),
      payload: fc.string({ maxLength: 40 }),
    }),
    { maxLength: 20 },
  )
  .map((list) => list.map((row, id): OutboxRow => ({ ...row, id, eventId: String(id), traceparent: null })))

test('a wave holds the oldest event of a key or none of it, in order, within its limits', () => {
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 60 }), (list, entries, bytes) => {
      const wave = nextWave(list, { entries, bytes })
      for (const row of wave) expect(row).toBe(list.find(({ key }) => key === row.key))
      expect(wave.map(({ id }) => id)).toEqual(wave.map(({ id }) => id).sort((a, b) => a - b))
      expect(wave.length).toBeLessThanOrEqual(entries)
      expect(wave.length).toBeGreaterThanOrEqual(Math.min(1, list.length))
      const size = wave.reduce((sum, { payload }) => sum + Buffer.byteLength(payload), 0)
      if (wave.length > 1) expect(size).toBeLessThanOrEqual(bytes)
      expect([...byTopic(wave).values()].flat()).toHaveLength(wave.length)
    }),
  )
})

test('an event larger than the limit goes alone instead of never', () => {
  const row = {
    id: 1,
    eventId: '1',
    topic: 'taskEvents',
    key: 'a',
    payload: 'x'.repeat(100),
    traceparent: null,
  } as const
  expect(nextWave([row, { ...row, id: 2, key: 'b' }], { entries: 10, bytes: 50 })).toEqual([row])
})

test('keys spread over all shards, and a key never moves', () => {
  const shards = new Set(Array.from({ length: 1_000 }, (_, index) => shardOf(`user-${index}`)))
  expect(shards.size).toBe(shardCount)
  // FNV-1a test vectors (RFC draft eastlake-fnv, appendix): "" 811c9dc5, "a" e40c292c, "foobar" bf9cf968.
  expect([shardOf(''), shardOf('a'), shardOf('foobar')]).toEqual([0x811c9dc5 % 8, 0xe40c292c % 8, 0xbf9cf968 % 8])
})
