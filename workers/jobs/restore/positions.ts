/**
 * Where the consumers of a partition stand after a restore. Pure.
 *
 * A partition of a backup holds the records [start, end). Each group had consumed up to its committed offset at the cut. After the restore every
 * group must meet exactly the records it had not consumed, in order, then whatever comes new, and nothing that was written after the cut.
 *
 *     log still holds the cut:  … committed … end │ after the cut │ the unconsumed again ┊ new
 *                                                                   └ groups stand here
 *     log is gone or another:   start … committed … end ┊ new
 *                                        └ groups stand here
 *
 * So the records [{@link firstToProduce}, end) are appended in order, and a group that stood at offset o stands at the place of the first
 * appended record whose old offset is ≥ o. Offsets of a backup may leave numbers out (compaction, marks of transactions), and places may lie
 * apart because somebody else appended in between; both are allowed for. Proof: positions.test.ts.
 */

/** One partition at the cut. */
export interface PartitionAtCut {
  readonly start: number
  readonly end: number
  /** Committed offset of every group that consumes it; undefined: nothing was committed, so it had consumed nothing. */
  readonly committed: readonly (number | undefined)[]
}

/** The old offset from which records are appended. `holdsCut`: the log there is still the one that was backed up, up to its end. */
export const firstToProduce = ({ start, end, committed }: PartitionAtCut, holdsCut: boolean): number => {
  if (!holdsCut) return start
  return committed.length === 0 ? end : Math.min(...committed.map((offset) => within(offset, start, end)))
}

/** Follows the records as they are appended and knows where each group ends up. */
export interface PositionFinder {
  /** A record was appended, or found appended. Old offsets must rise. */
  readonly placed: (old: number, place: number) => void
  /** Where a group that had `committed` stands. @param logEnd where the next record will be appended */
  readonly positionOf: (committed: number | undefined, logEnd: number) => number
}

/** @param at the partition @param from see {@link firstToProduce} */
export const positionFinder = ({ start, end, committed }: PartitionAtCut, from: number): PositionFinder => {
  const wanted = [...new Set(committed.map((offset) => Math.max(from, within(offset, start, end))))].sort(
    (a, b) => a - b,
  )
  const places = new Map<number, number>()
  let next = 0
  return {
    placed: (old, place) => {
      for (let offset = wanted[next]; offset !== undefined && offset <= old; offset = wanted[next]) {
        places.set(offset, place)
        next += 1
      }
    },
    positionOf: (offset, logEnd) => places.get(Math.max(from, within(offset, start, end))) ?? logEnd,
  }
}

const within = (offset: number | undefined, start: number, end: number): number =>
  Math.min(end, Math.max(start, offset ?? start))
