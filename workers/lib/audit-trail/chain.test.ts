import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chain, genesis, hashEntry } from './chain.ts'
import type { ChainedEntry, ChainHead } from './chain.ts'
import type { AuditRecord, Json } from './entry.ts'
import { createVerifier } from './verifier.ts'
import type { Verdict } from './verifier.ts'

const json = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>
const record: fc.Arbitrary<AuditRecord> = fc.record({
  eventId: fc.uuid(),
  type: fc.constantFrom('com.todo.task.created', 'com.todo.task.updated'),
  action: fc.constantFrom('CREATED', 'UPDATED'),
  source: fc.constant('/services/todo-chat-api'),
  taskId: fc.option(fc.uuid()),
  userId: fc.option(fc.uuid()),
  actor: json,
  before: json,
  after: json,
  changes: json,
  correlationId: fc.option(fc.string()),
  causationId: fc.option(fc.uuid()),
  occurredAt: fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }).map((date) => date.toISOString()),
  topic: fc.option(fc.constant('task-events')),
  partition: fc.option(fc.nat(10)),
  offset: fc.option(fc.nat()),
})

const place = { stream: 'tasks', recordedAt: '2026-01-02T03:04:05.678Z' }
const trail = (minLength: number): fc.Arbitrary<ChainedEntry[]> =>
  fc.array(record, { minLength, maxLength: 8 }).map((records) => chain(genesis, records, place))
const headOf = (entries: readonly ChainedEntry[]): ChainHead => entries.at(-1) ?? genesis

const verify = (entries: readonly ChainedEntry[], head: ChainHead): Verdict => {
  const verifier = createVerifier({ before: genesis, from: 1 })
  for (const entry of entries) verifier.next(entry)
  return verifier.finish(head)
}

/** What a value becomes on its way through jsonb: the same JSON, keys in another order. */
const reordered = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(reordered)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reordered(inner)]),
  )
}

describe('the audit chain', () => {
  test('holds for whatever was appended, in one batch or many, and after its keys changed order', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 8 }), fc.nat(8), (records, cut) => {
        const whole = chain(genesis, records, place)
        const first = chain(genesis, records.slice(0, cut), place)
        const rest = chain(headOf(first), records.slice(cut), place)
        expect([...first, ...rest]).toEqual(whole)
        const stored = whole.map((entry) => JSON.parse(JSON.stringify(reordered(entry))) as ChainedEntry)
        expect(verify(stored, headOf(whole))).toMatchObject({
          ok: true,
          count: records.length,
          gaps: [],
          hashBreaks: [],
        })
      }),
    )
  })

  test('shows the place of any single changed field', () => {
    const changed = fc
      .tuple(trail(1), fc.nat(), json)
      .chain(([entries, pick, value]) => {
        const index = pick % entries.length
        const fields = Object.keys(entries[index]!).filter((field) => field !== 'seq') as (keyof ChainedEntry)[]
        return fc.record({
          entries: fc.constant(entries),
          index: fc.constant(index),
          field: fc.constantFrom(...fields),
          value: fc.constant(value),
        })
      })
      .filter(({ entries, index, field, value }) => JSON.stringify(entries[index]![field]) !== JSON.stringify(value))
    fc.assert(
      fc.property(changed, ({ entries, index, field, value }) => {
        const isHash = field === 'hash' || field === 'prevHash'
        const forged = isHash ? 'ab'.repeat(32) : value
        const tampered = entries.map((entry, at) => (at === index ? { ...entry, [field]: forged } : entry))
        const verdict = verify(tampered, headOf(entries))
        expect(verdict.ok).toBe(false)
        expect(verdict.hashBreaks.map(({ seq }) => seq)).toContain(index + 1)
      }),
    )
  })

  test('shows a changed entry whose own hash was recomputed, at the next link or at the head', () => {
    fc.assert(
      fc.property(trail(1), fc.nat(), (entries, pick) => {
        const index = pick % entries.length
        const tampered = entries.map((entry, at) => {
          if (at !== index) return entry
          const forged = { ...entry, action: 'FORGED' }
          return { ...forged, hash: hashEntry(forged.prevHash, forged) }
        })
        const [finding] = verify(tampered, headOf(entries)).hashBreaks
        expect(finding).toMatchObject(
          index === entries.length - 1 ? { kind: 'head', seq: index + 1 } : { kind: 'link', seq: index + 2 },
        )
      }),
    )
  })

  test('shows any removed entry as a gap, at the start, in the middle and at the end', () => {
    fc.assert(
      fc.property(trail(1), fc.nat(), (entries, pick) => {
        const index = pick % entries.length
        const verdict = verify(entries.toSpliced(index, 1), headOf(entries))
        expect(verdict.ok).toBe(false)
        expect(verdict.gaps).toEqual([{ from: index + 1, to: index + 1 }])
      }),
    )
  })

  test('shows two entries that changed places', () => {
    fc.assert(
      fc.property(trail(2), fc.nat(), fc.nat(), (entries, a, b) => {
        const [i, j] = [a % entries.length, b % entries.length]
        fc.pre(i !== j)
        const swapped = entries.map((entry, at) => {
          const from = at === i ? entries[j]! : at === j ? entries[i]! : entry
          return { ...from, seq: entry.seq }
        })
        expect(verify(swapped, headOf(entries)).ok).toBe(false)
      }),
    )
  })

  test('shows an entry that is there twice', () => {
    fc.assert(
      fc.property(trail(1), fc.nat(), (entries, pick) => {
        const index = pick % entries.length
        const doubled = entries.toSpliced(index, 0, entries[index]!)
        expect(verify(doubled, headOf(entries)).duplicates).toMatchObject([{ seq: index + 1 }])
      }),
    )
  })

  test('hashes one documented entry to one documented value', () => {
    const [entry] = chain(
      genesis,
      [
        {
          eventId: '018f0000-0000-7000-8000-000000000001',
          type: 'com.todo.task.created',
          action: 'CREATED',
          source: '/services/todo-chat-api',
          taskId: 't',
          userId: 'u',
          actor: { type: 'user', id: 'u' },
          before: null,
          after: { title: 'water the plants', priority: 'NONE' },
          changes: {},
          correlationId: 'c',
          causationId: null,
          occurredAt: '2026-01-02T03:04:05.678Z',
          topic: 'task-events',
          partition: 0,
          offset: 7,
        },
      ],
      place,
    )
    // sha256( 32 zero bytes ‖ canonical JSON ), computed with another implementation (Python's json and hashlib).
    expect(entry?.hash).toBe('8ec40e41a34243b321914efd1ee81942a1ec451e308f131dcbfef4d0bd4680b2')
  })
})
