import { readMigrations } from '../migrate/files.ts'
import { check } from './check.ts'
import type { RestoreJobStep, RestoreReport } from './config.ts'
import { restoreDatabase } from './database.ts'
import { drillCleanUp, drillTopics, drillValidate } from './drill.ts'
import { whenEmpty } from './groups.ts'
import { cleanUp, switchOver, undo } from './switch.ts'
import { reapply } from './reapply/reapply.ts'
import { liveTopic, restoreTopics } from './topics.ts'
import { validate } from './validate.ts'
import type { Workplace } from './workplace.ts'

/** How long consumers may take to catch up before a difference counts, ms. */
const validatePatience = 60_000

/** Does one step; each may be done again at any time, and after the end of the pod that began it. */
export const runStep = async (
  step: RestoreJobStep,
  place: Workplace,
  migrationsDirectory: string,
): Promise<RestoreReport> => {
  const drill = place.config.restore.mode === 'Drill'
  place.progress.part = step
  switch (step) {
    case 'check':
      return check(place, (await readMigrations(migrationsDirectory)).length)
    case 'database':
      return database(place, migrationsDirectory)
    case 'reapply': {
      const { until } = place.config.restore
      if (until === undefined) throw new Error('the step reapply needs restore.until in config.json')
      return reapply(place, until)
    }
    case 'topics':
      return drill ? drillTopics(place) : topics(place)
    case 'switch':
      return switchOver(place)
    case 'undo':
      return drill ? drillCleanUp(place) : undo(place)
    case 'validate':
      return drill ? drillValidate(place) : validate(place, validatePatience)
    case 'cleanup':
      return drill ? drillCleanUp(place) : cleanUp(place, 'all')
  }
}

const database = async (place: Workplace, migrationsDirectory: string): Promise<RestoreReport> => {
  const [source, maintenance] = await Promise.all([place.source(), place.maintenance()])
  Object.assign(place.progress, { part: 'database.dump', total: source.bytes.Database })
  await restoreDatabase({
    ...place,
    maintenance,
    uid: place.config.restore.uid,
    manifest: source.manifest,
    dump: source.dump,
    migrations: await readMigrations(migrationsDirectory),
    service: place.config.service,
  })
  const rows = Object.values(source.manifest.counts.tables).reduce((total, count) => total + count, 0)
  const entries = source.manifest.cut.audit.reduce((total, { seq }) => total + seq, 0)
  return {
    step: 'database',
    message: `${rows} rows and an audit chain of ${entries} entries are restored beside and verified`,
  }
}

const topics = async (place: Workplace): Promise<RestoreReport> => {
  const [{ kafka, admin }, producer, source] = await Promise.all([place.kafka(), place.producer(), place.source()])
  const { config } = place
  // Once to compare them with the log, and those that have to be appended once more.
  Object.assign(place.progress, { part: 'records', total: source.bytes.Records })
  await whenTopicsExist(place)
  await whenEmpty(admin, place.groups, { waitTimeout: config.kafka.waitTimeout, pause: place.pause })
  const { records, rebuilt } = await restoreTopics({
    ...place,
    kafka,
    admin,
    producer,
    source,
    uid: config.restore.uid,
    topics: config.kafka.topics,
    groups: place.groups,
  })
  const how = rebuilt.length === 0 ? 'every log still holds the cut' : `rebuilt: ${rebuilt.join(', ')}`
  return { step: 'topics', message: `${records} records were appended; ${how}` }
}

/** The operator makes topics that are missing. */
const whenTopicsExist = async (place: Workplace): Promise<void> => {
  const { admin } = await place.kafka()
  const { manifest } = await place.source()
  const wanted = manifest.cut.topics.map(({ alias }) => liveTopic(place.config.kafka.topics, alias))
  const deadline = Date.now() + place.config.kafka.waitTimeout
  for (;;) {
    const known = await admin.listTopics()
    const missing = wanted.find((topic) => !known.includes(topic))
    if (missing === undefined) return
    if (Date.now() > deadline)
      throw new Error(`topic ${missing} does not exist; condition TopicsReady of the system says why`)
    await place.pause(1_000)
  }
}
