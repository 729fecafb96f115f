/**
 * A copy of a topic with nothing but kafkajs, as a process of its own: `node kafka-copy.ts read|write <brokers> <topic> <file>` prints the ms it took
 * since its modules were loaded.
 */
import { createReadStream, createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { once } from 'node:events'
import kafkajs from 'kafkajs'

const [, , what = '', brokers = '', topic = '', path = ''] = process.argv
const kafka = new kafkajs.Kafka({ brokers: [brokers], logLevel: kafkajs.logLevel.NOTHING })

const begun = performance.now()
await (what === 'read' ? readTopic() : writeTopic())
process.stdout.write(String(performance.now() - begun))

/** Reads a topic to its end with a plain kafkajs consumer and writes a line per record, key and value as text, nothing compressed. */
async function readTopic(): Promise<void> {
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
}

/** Publishes the lines of such a file again, 500 records at a time, each acknowledged by the broker. */
async function writeTopic(): Promise<void> {
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
}
