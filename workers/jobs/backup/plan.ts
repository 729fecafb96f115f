/** Which records a backup holds: all of the frozen log, or those that its base does not hold. Pure. */
import type { CataloguedBackup } from '../../lib/backup/catalogue.ts'
import type { Range } from '../../lib/kafka/ranges.ts'
import type { FrozenTopic } from './cut.ts'

/** The topics of the manifest, and what they build on. */
export interface TopicPlan {
  readonly topics: readonly FrozenTopic[]
  readonly base: CataloguedBackup | undefined
  /** Why an incremental backup is a full one after all. */
  readonly because?: string
}

/**
 * Moves every start to the end of the base, where it has one. A full backup is planned when the base is from another log: one of its ends
 * lies beyond ours, so the topic was made anew. What retention has deleted since the base is in no backup, as it would not be in a full one.
 */
export const planTopics = (topics: readonly FrozenTopic[], base: CataloguedBackup | undefined): TopicPlan => {
  if (base === undefined) return { topics, base }
  const ends = new Map(
    base.manifest.cut.topics.flatMap(({ topic, partitions }) =>
      partitions.map(({ partition, end }) => [`${topic}/${partition}`, end]),
    ),
  )
  const endOf = (topic: string, partition: number): number => ends.get(`${topic}/${partition}`) ?? 0
  for (const { topic, partitions } of topics)
    for (const { partition, end } of partitions)
      if (endOf(topic, partition) > end)
        return { topics, base: undefined, because: `${topic}/${partition} is another log than that of ${base.path}` }
  return {
    base,
    topics: topics.map(({ alias, topic, partitions }) => ({
      alias,
      topic,
      partitions: partitions.map(({ partition, start, end }) => ({
        partition,
        start: Math.max(start, endOf(topic, partition)),
        end,
      })),
    })),
  }
}

/** A range of records and the part it becomes. */
export interface PlannedRange extends Range {
  readonly alias: string
}

/** Everything there is to read. */
export const rangesOf = (topics: readonly FrozenTopic[]): readonly PlannedRange[] =>
  topics.flatMap(({ alias, topic, partitions }) =>
    partitions.filter(({ start, end }) => end > start).map((partition) => ({ alias, topic, ...partition })),
  )

/** How many backups one stands on, itself not counted; undefined when the chain is broken. */
export const chainLength = (backup: CataloguedBackup, all: readonly CataloguedBackup[]): number | undefined => {
  let length = 0
  for (let at = backup; at.manifest.base !== undefined; length += 1) {
    const { path, manifestSha256 } = at.manifest.base
    const next = all.find((other) => other.path === path && other.manifestSha256 === manifestSha256)
    if (next === undefined || length > all.length) return undefined
    at = next
  }
  return length
}

/** The newest backup, if it can be built on: its chain is whole and not yet too long. */
export const chooseBase = (all: readonly CataloguedBackup[], maxIncrements: number): CataloguedBackup | undefined => {
  const newest = all.at(-1)
  if (newest === undefined) return undefined
  const length = chainLength(newest, all)
  return length === undefined || length >= maxIncrements ? undefined : newest
}
