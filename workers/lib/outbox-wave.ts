import type { TopicAlias } from './config-schema.ts'

/** A row of the outbox as the relay reads it. */
export interface OutboxRow {
  readonly id: number
  readonly eventId: string
  readonly topic: TopicAlias
  readonly key: string
  /** The CloudEvent as JSON text. */
  readonly payload: string
  readonly traceparent: string | null
}

/** Bounds of one bulk call: daprd refuses bodies over 4 MiB (`dapr.io/max-body-size`). */
export interface WaveLimits {
  readonly entries: number
  readonly bytes: number
}

/**
 * Picks the rows that may be in flight together: of each key the one with the lowest id, whatever its topic, in the order
 * of ids, up to the limits. `rows` must be ordered by id. The first row is always taken, however large it is.
 */
export const nextWave = (rows: readonly OutboxRow[], limits: WaveLimits): OutboxRow[] => {
  const keys = new Set<string>()
  const wave: OutboxRow[] = []
  let bytes = 0
  for (const row of rows) {
    if (keys.has(row.key)) continue
    const size = Buffer.byteLength(row.payload)
    if (wave.length >= limits.entries || (wave.length > 0 && bytes + size > limits.bytes)) break
    keys.add(row.key)
    wave.push(row)
    bytes += size
  }
  return wave
}

/** The rows of a wave by topic, since a bulk call names one topic. */
export const byTopic = (wave: readonly OutboxRow[]): ReadonlyMap<TopicAlias, readonly OutboxRow[]> =>
  Map.groupBy(wave, (row) => row.topic)
