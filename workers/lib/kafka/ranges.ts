/**
 * Reads ranges of partitions, each [start, end), once and in order, without being a consumer of anything: a throw-away group is joined because
 * kafkajs assigns partitions by groups only, nothing is ever committed in it, and it is deleted at the end.
 *
 * Offsets of a range may be missing: compacted away, the marks of transactions, records of transactions that were aborted (never delivered).
 * So a range has ended when Kafka has shown anything at or beyond its last offset, seen here by the offset of the last record of a fetch
 * (kafkajs reports it for fetches without a deliverable record, too), or when the log itself begins at or beyond the end: its records were
 * deleted by retention while they were being read. Nothing else may end a range, and a range on which nothing moves fails after
 * {@link ReadRanges.patience}.
 */
import { randomUUID } from 'node:crypto'
import kafkajs from 'kafkajs'
import type { Kafka, KafkaMessage } from 'kafkajs'
import { offsetOf } from './client.ts'

/** Records of one partition: offset in [start, end). */
export interface Range {
  readonly topic: string
  readonly partition: number
  readonly start: number
  readonly end: number
}

/** What {@link readRanges} is told; the ranges may carry more than it needs. */
export interface ReadRanges<R extends Range = Range> {
  readonly kafka: Kafka
  /** Not empty ranges, at most one per partition. */
  readonly ranges: readonly R[]
  /** Name of the group is `<prefix>-<uuid>`. */
  readonly groupPrefix: string
  /** Ranges that are read at once. */
  readonly concurrency: number
  /**
   * Told the records of a range as they come, in order. The next ones of the same range wait for it; it may take its time. After the last
   * ones, and for a range that turns out to be empty, it is told none and `done`.
   */
  readonly onRecords: (range: R, records: readonly KafkaMessage[], done: boolean) => Promise<void>
  readonly signal: AbortSignal
  /** How long nothing may move before it counts as an error, ms. */
  readonly patience?: number
}

const lookEvery = 500

interface Open<R extends Range> {
  readonly range: R
  /** Next offset that was not yet handed over. */
  at: number
  /** Ends when everything handed over was taken: a rebalance must not hand over two batches of a range at once. */
  taking: Promise<void>
  state: 'waiting' | 'reading' | 'done'
}

/** Reads until every range has ended. Rejects with what Kafka, `onRecords` or the signal says; the group is deleted in any case. */
export const readRanges = async <R extends Range>(options: ReadRanges<R>): Promise<void> => {
  const { kafka, ranges, concurrency, onRecords, signal, patience = 120_000 } = options
  if (ranges.length === 0) return
  signal.throwIfAborted()
  const groupId = `${options.groupPrefix}-${randomUUID()}`
  const topics = [...new Set(ranges.map(({ topic }) => topic))]
  const open = new Map(
    ranges.map((range): [string, Open<R>] => [
      keyOf(range),
      { range, at: range.start, taking: Promise.resolve(), state: 'waiting' },
    ]),
  )
  const admin = kafka.admin()
  const consumer = kafka.consumer({
    groupId,
    allowAutoTopicCreation: false,
    // Also how long a range waits for its turn, since what is paused is not asked for, and how long the end waits for the last fetch: short,
    // because what is read lies there already.
    maxWaitTimeInMs: 10,
    maxBytes: 8 * 1024 * 1024,
    maxBytesPerPartition: 4 * 1024 * 1024,
    retry: { retries: 5 },
  })
  const ended = Promise.withResolvers<undefined>()
  // It is awaited below; a failure before that must not count as unheard.
  ended.promise.catch(() => undefined)
  const fail = (error: unknown): void => ended.reject(error)
  let busy = 0
  let left = open.size
  let movedAt = Date.now()

  const finish = async (entry: Open<R>): Promise<void> => {
    if (entry.state === 'done') return
    entry.state = 'done'
    movedAt = Date.now()
    consumer.pause([{ topic: entry.range.topic, partitions: [entry.range.partition] }])
    await entry.taking
    await onRecords(entry.range, [], true)
    left -= 1
    if (left === 0) ended.resolve(undefined)
    else begin()
  }
  const begin = (): void => {
    const all = [...open.values()]
    let free = concurrency - all.filter(({ state }) => state === 'reading').length
    for (const entry of all) {
      if (entry.state !== 'waiting' || free <= 0) continue
      free -= 1
      entry.state = 'reading'
      const { topic, partition } = entry.range
      consumer.seek({ topic, partition, offset: String(entry.at) })
      consumer.resume([{ topic, partitions: [partition] }])
    }
  }
  /** After every join: everything is assigned to this only member, and stands still until its turn. */
  const settle = async (): Promise<void> => {
    for (const topic of topics) {
      const partitions = (await admin.fetchTopicOffsets(topic)).map(({ partition }) => partition)
      consumer.pause([{ topic, partitions }])
    }
    for (const entry of open.values()) if (entry.state === 'reading') entry.state = 'waiting'
    begin()
  }
  /** Ranges whose records retention has deleted since they were frozen, and ranges on which nothing moves. */
  const look = async (): Promise<void> => {
    if (busy > 0) return
    const reading = [...open.values()].filter(({ state }) => state === 'reading')
    const lows = new Map<string, number>()
    for (const topic of new Set(reading.map(({ range }) => range.topic)))
      for (const { partition, low } of await admin.fetchTopicOffsets(topic))
        lows.set(keyOf({ topic, partition }), offsetOf(low))
    for (const entry of reading) if ((lows.get(keyOf(entry.range)) ?? 0) >= entry.range.end) await finish(entry)
    if (busy === 0 && Date.now() - movedAt > patience) {
      const stuck = reading.map(({ range, at }) => `${range.topic}/${range.partition} at ${at} of ${range.end}`)
      fail(new Error(`Kafka showed nothing for ${patience} ms: ${stuck.join(', ')}`))
    }
  }

  consumer.on('consumer.end_batch_process', ({ payload: { topic, partition, lastOffset } }) => {
    const entry = open.get(keyOf({ topic, partition }))
    if (entry?.state !== 'reading') return
    entry.at = Math.max(entry.at, offsetOf(lastOffset) + 1)
    movedAt = Date.now()
    if (entry.at >= entry.range.end) finish(entry).catch(fail)
  })
  // A broker that has just started loads its groups; kafkajs joins again by itself then, and the group_join below goes on from `at`.
  consumer.on('consumer.crash', ({ payload: { error, restart } }) => {
    if (!restart) fail(error)
  })
  const stop = (): void => fail(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  let looking: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined
  try {
    await admin.connect()
    await consumer.connect()
    await consumer.subscribe({ topics, fromBeginning: true })
    const joined = Promise.withResolvers<undefined>()
    consumer.on('consumer.group_join', () => {
      joined.resolve(undefined)
    })
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: true,
      partitionsConsumedConcurrently: concurrency,
      eachBatch: async (payload) => {
        const { batch } = payload
        const entry = open.get(keyOf(batch))
        if (entry?.state !== 'reading') {
          payload.pause()
          return
        }
        busy += 1
        // Whoever takes the records may be slow; the group must not throw us out meanwhile.
        const beating = setInterval(() => void payload.heartbeat().catch(() => undefined), 3_000)
        try {
          const { at, range } = entry
          const mine = batch.messages.filter(({ offset }) => offsetOf(offset) >= at && offsetOf(offset) < range.end)
          const last = mine.at(-1)
          if (last !== undefined) {
            entry.at = offsetOf(last.offset) + 1
            entry.taking = entry.taking.then(() => onRecords(range, mine, false))
          }
          await entry.taking
        } catch (error) {
          fail(error)
          payload.pause()
        } finally {
          clearInterval(beating)
          busy -= 1
          movedAt = Date.now()
        }
      },
    })
    const late = setTimeout(() => fail(new Error(`the group could not be joined within ${patience} ms`)), patience)
    await Promise.race([joined.promise, ended.promise]).finally(() => clearTimeout(late))
    await settle()
    consumer.on('consumer.group_join', () => void settle().catch(fail))
    timer = setInterval(() => {
      looking = looking.then(look).catch(fail)
    }, lookEvery)
    await ended.promise
  } finally {
    clearInterval(timer)
    signal.removeEventListener('abort', stop)
    await looking
    await consumer.disconnect().catch(() => undefined)
    // A group that was never joined does not exist; one that cannot be deleted now expires by itself, because it is empty.
    await admin.deleteGroups([groupId]).catch(() => undefined)
    await admin.disconnect().catch(() => undefined)
  }
}

const keyOf = ({ topic, partition }: { readonly topic: string; readonly partition: number }): string =>
  `${topic}/${partition}`

/** Whether an error says that the topic does not exist. */
export const isUnknownTopic = (error: unknown): boolean =>
  error instanceof kafkajs.KafkaJSProtocolError && error.type === 'UNKNOWN_TOPIC_OR_PARTITION'
