import type { RestoreReport } from './config.ts'
import { violationsOf, type OnTheWay } from './consistency.ts'
import { openDatabase } from './databases.ts'
import { committedOffsets } from '../../lib/kafka/group-offsets.ts'
import { boundsOf, readRanges } from './kafka-log.ts'
import { cleanUp } from './switch.ts'
import type { Workplace } from './workplace.ts'

/** Pause between two looks while consumers catch up, ms. */
const betweenLooks = 1_000

/** Asks until the services agree, or `patience` ms are over; then says what does not agree. Earlier restores' databases go when they agree. */
export const validate = async (place: Workplace, patience: number): Promise<RestoreReport> => {
  const { config, names, ownerUri, logger } = place
  const database = openDatabase(ownerUri, names.live, { service: config.service, logger })
  const deadline = Date.now() + patience
  try {
    for (;;) {
      const violations = await violationsOf(database, await eventsOnTheWay(place))
      if (violations.length === 0) break
      if (Date.now() >= deadline)
        return {
          step: 'validate',
          message: `${violations.length} things do not agree`,
          violations: violations.slice(0, 8).map((text) => text.slice(0, 300)),
        }
      await place.pause(betweenLooks)
    }
  } finally {
    await database.close()
  }
  const { message } = await cleanUp(place, 'earlier')
  return { step: 'validate', message: `the services agree; ${message}` }
}

/** Task versions in the part of the log that audit has not consumed. */
const eventsOnTheWay = async (place: Workplace): Promise<OnTheWay> => {
  const { topics } = place.config.kafka
  const audit = place.groups.find(({ service }) => service === 'audit')
  const topic = topics.find(({ alias }) => alias === 'taskEvents')?.topic
  const found = new Set<string>()
  if (audit === undefined || topic === undefined) return found
  const { kafka, admin } = await place.kafka()
  const consumed = await committedOffsets(admin, audit.group, topic)
  const bounds = await boundsOf(admin, topic)
  const ranges = [...(bounds ?? [])].flatMap(([partition, { start, end }]) => {
    const from = Math.max(start, consumed.get(partition) ?? start)
    return from < end ? [{ partition, from, to: end }] : []
  })
  await readRanges({ kafka, topic, ranges, signal: place.signal }, (_partition, { value }) => {
    const version = versionOf(value)
    if (version !== undefined) found.add(version)
  })
  return found
}

const versionOf = (value: Buffer | null): string | undefined => {
  try {
    const { data } = JSON.parse(value?.toString('utf8') ?? '') as { data?: { taskId?: unknown; taskVersion?: unknown } }
    return typeof data?.taskId === 'string' && typeof data.taskVersion === 'number'
      ? `${data.taskId} ${data.taskVersion}`
      : undefined
  } catch {
    // Not one of our events: audit will say so in its dead letters.
    return undefined
  }
}
