/** The parts of a backup and a restore done with nothing but the tools they stand on. */
import { execFile } from 'node:child_process'
import { createReadStream, createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { once } from 'node:events'
import { promisify } from 'node:util'
import type { Kafka } from 'kafkajs'

const run = promisify(execFile)

/** How long a floor took, ms, and the bytes it left. */
export interface Floor {
  readonly took: number
  readonly bytes: number
}

const timed = async (path: string, work: () => Promise<unknown>): Promise<Floor> => {
  const begun = performance.now()
  await work()
  const took = performance.now() - begun
  return { took, bytes: (await stat(path)).size }
}

/** pg_dump in its custom format at the level our Job uses. */
export const pgDump = (uri: string, path: string, level: number): Promise<Floor> =>
  timed(path, () => run('pg_dump', ['--format=custom', `--compress=${level}`, `--file=${path}`, `--dbname=${uri}`]))

/** pg_restore into an empty database. */
export const pgRestore = (uri: string, path: string): Promise<Floor> =>
  timed(path, () => run('pg_restore', ['--no-owner', '--exit-on-error', `--dbname=${uri}`, path]))

/** Reads a topic to its end with a plain kafkajs consumer and writes a line per record, key and value as text, nothing compressed. */
export const readTopic = (kafka: Kafka, topic: string, path: string): Promise<Floor> =>
  timed(path, async () => {
    const admin = kafka.admin()
    await admin.connect()
    const ends = new Map((await admin.fetchTopicOffsets(topic)).map((one) => [one.partition, Number(one.high)]))
    await admin.disconnect()
    const left = new Set([...ends].filter(([, end]) => end > 0).map(([partition]) => partition))
    const file = createWriteStream(path)
    const through = Promise.withResolvers<undefined>()
    const consumer = kafka.consumer({
      groupId: `floor-${topic}`,
      maxWaitTimeInMs: 100,
      maxBytesPerPartition: 4 * 1024 * 1024,
    })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        const lines = batch.messages.map(({ key, value }) => JSON.stringify([key?.toString(), value?.toString()]))
        if (!file.write(`${lines.join('\n')}\n`)) await once(file, 'drain')
        if (Number(batch.lastOffset()) + 1 >= (ends.get(batch.partition) ?? 0)) left.delete(batch.partition)
        if (left.size === 0) through.resolve(undefined)
      },
    })
    await through.promise
    file.end()
    await once(file, 'close')
    await consumer.disconnect()
  })

/** Publishes the lines of such a file again, 500 records at a time, each acknowledged by the broker. */
export const writeTopic = (kafka: Kafka, topic: string, path: string): Promise<Floor> =>
  timed(path, async () => {
    const producer = kafka.producer()
    await producer.connect()
    let messages: { key: string; value: string }[] = []
    for await (const line of createInterface({ input: createReadStream(path) })) {
      const [key, value] = JSON.parse(line) as [string, string]
      if (messages.push({ key, value }) < 500) continue
      await producer.send({ topic, messages })
      messages = []
    }
    if (messages.length > 0) await producer.send({ topic, messages })
    await producer.disconnect()
  })
