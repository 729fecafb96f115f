import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { lookAtTrail, type Look, type TrailReader, type Verdict } from './audit-trail.ts'

/** A trail as the audit worker would judge it: entries by number, each with the hash it ought to have and the one it has. */
class Trail {
  readonly entries = new Map<number, { hash: string; sound: boolean }>()
  read = 0
  append(count: number): void {
    const { size } = this.entries
    for (let seq = size + 1; seq <= size + count; seq += 1) this.entries.set(seq, { hash: `h${seq}`, sound: true })
  }
  get head(): number {
    return Math.max(0, ...this.entries.keys())
  }
  reader(): TrailReader {
    return {
      entry: (seq) => Promise.resolve(this.entries.get(seq)),
      verify: ({ from, to }) => {
        const numbers = [...this.entries.keys()].filter((seq) => seq >= from && seq <= to)
        this.read += numbers.length
        const verdict: Verdict = {
          ok: true,
          lastSeq: numbers.at(-1) ?? null,
          headHash: this.entries.get(numbers.at(-1) ?? from - 1)?.hash ?? null,
          gaps: [],
          duplicates: [],
          hashBreaks: numbers
            .filter((seq) => this.entries.get(seq)?.sound === false)
            .map((seq) => ({ seq, kind: 'content' })),
        }
        for (let seq = from; seq <= Math.min(to, this.head); seq += 1)
          if (!this.entries.has(seq)) verdict.gaps.push({ from: seq, to: seq })
        verdict.ok = verdict.gaps.length + verdict.hashBreaks.length === 0
        return Promise.resolve(verdict)
      },
    }
  }
}

const look = (trail: Trail, before: Look | undefined, budget: number): Promise<Look> =>
  lookAtTrail(trail.reader(), before?.verified, before?.cursor ?? 1, budget)

describe('a look at the audit trail', () => {
  test('reads a short trail whole every time, and finds a change anywhere at once', async () => {
    const trail = new Trail()
    trail.append(30)
    let seen = await look(trail, undefined, 100)
    expect(seen).toMatchObject({ faults: [], verified: { seq: 30, hash: 'h30' } })
    trail.append(5)
    seen = await look(trail, seen, 100)
    expect(seen.verified).toEqual({ seq: 35, hash: 'h35' })
    trail.entries.set(3, { hash: 'h3', sound: false })
    expect((await look(trail, seen, 100)).faults).toEqual(['the content of entry 3 was changed'])
  })

  test('says so when the noted entry is gone or another, as after somebody rewrote the whole trail', async () => {
    const trail = new Trail()
    trail.append(10)
    const seen = await look(trail, undefined, 100)
    trail.entries.set(10, { hash: 'forged', sound: true })
    expect((await look(trail, seen, 100)).faults).toEqual([
      'entry 10 has another hash than when it was verified: the trail was rewritten',
    ])
    trail.entries.delete(10)
    expect((await look(trail, seen, 100)).faults).toEqual(['entry 10, which was verified before, is gone'])
  })

  test('works on an empty trail, and on one that does not grow', async () => {
    const trail = new Trail()
    const seen = await look(trail, undefined, 10)
    expect(seen).toMatchObject({ faults: [], verified: undefined })
    trail.append(1)
    const next = await look(trail, seen, 10)
    expect(await look(trail, next, 10)).toMatchObject({ faults: [], verified: { seq: 1, hash: 'h1' } })
  })

  test('finds any change of a long trail within length / budget looks, reads no more than two parts at a time, and keeps it found', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 120 }),
        fc.integer({ min: 5, max: 30 }),
        fc.integer({ min: 0, max: 20 }),
        async (length, budget, warmUp) => {
          const trail = new Trail()
          trail.append(length)
          let seen: Look | undefined
          for (let round = 0; round < warmUp; round += 1) seen = await look(trail, seen, budget)
          const victim = 1 + ((length * 7 + warmUp) % length)
          trail.entries.set(victim, { hash: `h${victim}`, sound: false })
          let rounds = 0
          do {
            trail.read = 0
            seen = await look(trail, seen, budget)
            expect(trail.read).toBeLessThanOrEqual(2 * budget)
            rounds += 1
          } while (seen.faults.length === 0 && rounds < 200)
          expect(rounds).toBeLessThanOrEqual(2 * Math.ceil(length / budget) + 1)
          expect(seen.faults[0]).toBe(`the content of entry ${victim} was changed`)
          expect((await look(trail, seen, budget)).faults).toEqual(seen.faults)
        },
      ),
      { numRuns: 60 },
    )
  })
})
