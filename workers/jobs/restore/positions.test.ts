import fc from 'fast-check'
import { expect, test } from 'vitest'
import { firstToProduce, positionFinder } from './positions.ts'

/** A partition with gaps in its offsets, and groups anywhere in it. */
const arbitraryPartition = fc
  .record({
    start: fc.nat(50),
    gaps: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 30 }),
    groups: fc.array(fc.option(fc.nat(160), { nil: undefined }), { maxLength: 4 }),
    afterCut: fc.nat(5),
    strangers: fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
  })
  .map(({ start, gaps, groups, ...rest }) => {
    let at = start
    const offsets = gaps.map((gap) => {
      const offset = at
      at += gap
      return offset
    })
    return { at: { start, end: at, committed: groups }, offsets, ...rest }
  })

/** What a group consumes after the restore, by old offset: the log from its position on, as far as it was restored. */
const consumedAfter = (
  { at, offsets, afterCut, strangers }: typeof arbitraryPartition extends fc.Arbitrary<infer T> ? T : never,
  holdsCut: boolean,
  committed: number | undefined,
): (number | 'after the cut')[] => {
  const log: (number | 'after the cut' | 'new')[] = []
  const base = holdsCut ? at.end : 0
  if (holdsCut) for (let index = 0; index < afterCut; index += 1) log.push('after the cut')
  const from = firstToProduce(at, holdsCut)
  const finder = positionFinder(at, from)
  offsets
    .filter((offset) => offset >= from)
    .forEach((offset, index) => {
      if (strangers[index] === true) log.push('new')
      finder.placed(offset, base + log.length)
      log.push(offset)
    })
  const position = finder.positionOf(committed, base + log.length)
  return log.slice(position - base).filter((entry) => entry !== 'new')
}

test('every group meets exactly what it had not consumed, in order, and nothing from after the cut', () =>
  fc.assert(
    fc.property(arbitraryPartition, fc.boolean(), (partition, holdsCut) => {
      for (const committed of partition.at.committed) {
        const expected = partition.offsets.filter((offset) => offset >= (committed ?? 0))
        expect(consumedAfter(partition, holdsCut, committed)).toEqual(expected)
      }
    }),
  ))

test.each([
  ['a log that holds the cut, everything consumed: nothing', { start: 0, end: 9, committed: [9, 9] }, true, 9],
  ['a log that holds the cut: what the slowest group lacks', { start: 0, end: 9, committed: [9, 4] }, true, 4],
  ['a log that holds the cut without groups: nothing', { start: 0, end: 9, committed: [] }, true, 9],
  ['a log that is gone: everything', { start: 3, end: 9, committed: [9, 9] }, false, 3],
  ['a group that never committed: everything', { start: 3, end: 9, committed: [undefined] }, true, 3],
])('produced again in %s', (_what, partition, holdsCut, from) => expect(firstToProduce(partition, holdsCut)).toBe(from))

test('a group ahead of the cut stands at the end, not after it', () => {
  const partition = { start: 0, end: 5, committed: [7] }
  expect(positionFinder(partition, 5).positionOf(7, 12)).toBe(12)
})
