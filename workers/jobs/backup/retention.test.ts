import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { CataloguedBackup } from '../../lib/backup/catalogue.ts'
import type { Manifest } from '../../lib/backup/manifest.ts'
import { chainLength, chooseBase, planTopics } from './plan.ts'
import { expired } from './retention.ts'

const hour = 3_600_000
const backup = (index: number, base?: number, topics: Manifest['cut']['topics'] = []): CataloguedBackup => ({
  path: `b${index}`,
  manifestSha256: String(index % 10).repeat(64),
  signature: undefined,
  bytes: 1,
  manifest: {
    format: 'todochatbot-backup',
    formatVersion: 1,
    backup: { name: `b${index}`, uid: 'u', namespace: 'n', system: 's' },
    createdAt: new Date(index * hour).toISOString(),
    versions: { operand: '', migration: 1, postgresql: '', pgDump: '' },
    cut: { at: new Date(index * hour).toISOString(), skewMs: 1, audit: [], topics, groups: [] },
    counts: { tables: {}, records: 0, stateKeys: 0 },
    compression: 'zstd',
    ...(base === undefined ? {} : { base: { path: `b${base}`, manifestSha256: String(base % 10).repeat(64) } }),
    parts: [],
    missing: [],
  },
})

/** Backups, each a full one or on top of the one before it. */
const histories = fc
  .array(fc.boolean(), { minLength: 1, maxLength: 12 })
  .map((full) => full.map((alone, index) => (alone || index === 0 ? backup(index) : backup(index, index - 1))))

test('whatever goes: the newest stay, so does the last verified one, and nothing loses what it builds on', () => {
  fc.assert(
    fc.property(
      histories,
      fc.integer({ min: 1, max: 5 }),
      fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
      fc.array(fc.nat({ max: 11 })),
      fc.nat({ max: 30 }),
      (all, keepLast, hours, verified, now) => {
        const maxAge = hours === undefined ? undefined : hours * hour
        const policy = { keepLast, maxAge, verified: verified.map((index) => `b${index}`), inUse: ['b2'] }
        const gone = new Set(expired(all, policy, now * hour).map(({ path }) => path))
        const stay = all.filter(({ path }) => !gone.has(path))
        for (const { path } of all.slice(-keepLast)) expect(gone.has(path)).toBe(false)
        const proved = all.findLast(({ path }) => policy.verified.includes(path))
        if (proved !== undefined) expect(stay).toContain(proved)
        expect(gone.has('b2')).toBe(false)
        for (const one of stay) expect(chainLength(one, stay)).toBeDefined()
      },
    ),
  )
})

test('what nobody needs goes, oldest first', () => {
  const all = [0, 1, 2, 3, 4].map((index) => backup(index))
  const policy = { keepLast: 1, maxAge: 2 * hour, verified: ['b1'], inUse: [] }
  expect(expired(all, policy, 5 * hour).map(({ path }) => path)).toEqual(['b0', 'b2', 'b3'])
  expect(expired(all, { ...policy, maxAge: undefined, verified: [] }, 5 * hour)).toHaveLength(4)
})

test('a base is the newest backup, unless its chain is broken or long enough', () => {
  const all = [backup(0), backup(1, 0), backup(2, 1)]
  expect(chooseBase(all, 3)?.path).toBe('b2')
  expect(chooseBase(all, 2)).toBeUndefined()
  expect(chooseBase(all.slice(1), 30)).toBeUndefined()
  expect(chooseBase([], 30)).toBeUndefined()
})

test('records begin where the base ends; a log that is shorter than its base is another one', () => {
  const frozen = (start: number, end: number) => [
    { alias: 'taskEvents', topic: 't', partitions: [{ partition: 0, start, end }] },
  ]
  const base = backup(0, undefined, frozen(0, 50))
  expect(planTopics(frozen(10, 80), base).topics).toEqual(frozen(50, 80))
  expect(planTopics(frozen(60, 80), base).topics).toEqual(frozen(60, 80))
  expect(planTopics(frozen(0, 50), base).topics).toEqual(frozen(50, 50))
  const other = planTopics(frozen(0, 20), base)
  expect([other.base, other.topics]).toEqual([undefined, frozen(0, 20)])
})
