/** What a drill does instead of touching the system: records go into throwaway topics and are counted, and the database beside is validated. */
import { appendRecords } from './append.ts'
import type { RestoreReport } from './config.ts'
import { violationsOf } from './consistency.ts'
import { dropDatabase, openDatabase } from './databases.ts'
import { boundsOf } from './kafka-log.ts'
import type { Workplace } from './workplace.ts'

const drillTopic = (uid: string, alias: string): string => `restore-drill-${uid.slice(0, 8)}.${alias}`

/** Fills a throwaway topic per topic of the backup and counts what arrived. @throws Error when the counts differ */
export const drillTopics = async (place: Workplace): Promise<RestoreReport> => {
  const source = await place.source()
  const { admin } = await place.kafka()
  const producer = await place.producer()
  const { uid } = place.config.restore
  Object.assign(place.progress, { part: 'records', total: source.bytes.Records })
  await removeTopics(place)
  let records = 0
  for (const { alias, partitions } of source.manifest.cut.topics) {
    const topic = drillTopic(uid, alias)
    await admin.createTopics({
      waitForLeaders: true,
      topics: [
        {
          topic,
          numPartitions: partitions.length,
          replicationFactor: 1,
          configEntries: [{ name: 'retention.ms', value: '-1' }],
        },
      ],
    })
    for (const [index, { partition }] of partitions.entries()) {
      const to = { producer, topic, partition: index, signal: place.signal }
      const count = await appendRecords(source.records(alias, partition), to)
      const there = (await boundsOf(admin, topic))?.get(index)
      if (there === undefined || there.end - there.start !== count)
        throw new Error(
          `${topic}/${index} holds ${there === undefined ? 0 : there.end - there.start} records and not ${count}`,
        )
      records += count
    }
  }
  return { step: 'topics', message: `${records} records were appended to throwaway topics and counted` }
}

/** Invariants of the restored database, with the records of the backup that audit had not consumed as what is on the way. */
export const drillValidate = async (place: Workplace): Promise<RestoreReport> => {
  const source = await place.source()
  const onTheWay = new Set<string>()
  for (const { alias, partitions } of source.manifest.cut.topics.filter((topic) => topic.alias === 'taskEvents'))
    for (const { partition } of partitions)
      for await (const { value } of source.records(alias, partition)) {
        const version = /"taskId":"([^"]+)"[^]*"taskVersion":(\d+)/.exec(value?.toString('utf8') ?? '')
        if (version !== null) onTheWay.add(`${version[1] ?? ''} ${version[2] ?? ''}`)
      }
  const database = openDatabase(place.ownerUri, place.names.beside, {
    service: place.config.service,
    logger: place.logger,
  })
  try {
    const violations = await violationsOf(database, onTheWay)
    return violations.length === 0
      ? { step: 'validate', message: 'the restored state agrees across the services' }
      : {
          step: 'validate',
          message: `${violations.length} things do not agree`,
          violations: violations.slice(0, 8).map((text) => text.slice(0, 300)),
        }
  } finally {
    await database.close()
  }
}

/** Removes everything a drill made. */
export const drillCleanUp = async (place: Workplace): Promise<RestoreReport> => {
  await removeTopics(place)
  await dropDatabase(await place.maintenance(), place.names.beside)
  return { step: 'cleanup', message: 'the throwaway database and topics are removed' }
}

const removeTopics = async (place: Workplace): Promise<void> => {
  const { admin } = await place.kafka()
  const prefix = drillTopic(place.config.restore.uid, '')
  const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(prefix))
  if (topics.length > 0) await admin.deleteTopics({ topics })
}
