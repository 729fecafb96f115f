/**
 * Takes the restored database on from the cut to `until`, before anybody uses it: everything that happened in between takes effect again, once,
 * and nobody is told of it. One transaction: a pod that dies leaves nothing of it, and one that comes again finds it done.
 *
 * - `auditSequence`: the entries of the trail in use are taken over as they are, with number, time and hash; the state is that between this
 *   entry and the next. Needs nothing of Kafka.
 * - `time`: the records of the log up to then, recorded anew in the order of time. Works when the database is lost.
 *
 * Users who registered, and what reached the in-app inbox, are no events: both are copied from the database in use where that still has them.
 * Proof: workers/test/restore-until.integration.test.ts.
 */
import { adoptEntries, appendWithin, readHead } from '../../../lib/audit-trail/store.ts'
import { processOnce } from '../../../lib/inbox.ts'
import type { Database, Queryable } from '../../../lib/postgres.ts'
import type { RestoreReport, RestoreUntil } from '../config.ts'
import { findDatabase, openDatabase, replacedAt } from '../databases.ts'
import { RestoreError } from '../errors.ts'
import type { Workplace } from '../workplace.ts'
import { copyRows } from './copy-rows.ts'
import { openEffects } from './effects.ts'
import { checkTime, rangesAfterCut, readStaged, stageLog } from './log.ts'
import { fromEntry } from './past-event.ts'
import { checkTrail, headAtCut, readTrail } from './trail.ts'

/** Whether `until` can be reached. @throws RestoreError UntilOutOfReach */
export const checkReach = async (place: Workplace, until: RestoreUntil): Promise<void> => {
  await withLive(place, (live) => momentOf(place, live, until))
  if ('time' in until) await rangesAfterCut(place)
}

/** See the header of this file. @throws RestoreError UntilOutOfReach */
export const reapply = async (place: Workplace, until: RestoreUntil): Promise<RestoreReport> => {
  const { names, ownerUri, config, logger, signal } = place
  const { manifest } = await place.source()
  const { uid } = config.restore
  const beside = openDatabase(ownerUri, names.beside, { service: config.service, logger })
  try {
    return await withLive(place, async (live) => {
      const moment = await momentOf(place, live, until)
      await processOnce(
        beside,
        { consumer: `restore/replay/${uid.slice(0, 8)}`, eventId: uid },
        async (tx) => {
          await copyRows(live, tx, 'users', 'created_at', { after: new Date(manifest.cut.at), until: moment })
          const effects = await openEffects(tx)
          if ('auditSequence' in until)
            await readTrail(live, { from: (await readHead(tx)).seq + 1, to: until.auditSequence }, async (entries) => {
              signal.throwIfAborted()
              await adoptEntries(tx, entries)
              for (const entry of entries) await effects.apply(fromEntry(entry))
            })
          else {
            await stageLog(tx, place, { live, until: moment })
            await readStaged(tx, async (events) => {
              signal.throwIfAborted()
              await appendWithin(
                tx,
                events.map(({ record }) => record),
                () => new Date(),
              )
              for (const event of events) await effects.apply(event)
            })
          }
          await copyRows(live, tx, 'notifications', 'fired_at', { after: new Date(manifest.cut.at), until: moment })
          await effects.redeliver()
        },
        { signal },
      )
      return reportOf(beside, headAtCut(manifest).seq, moment)
    })
  } finally {
    await beside.close()
  }
}

/** The database in use, for as long as `use` takes. */
const withLive = async <T>(place: Workplace, use: (live: Database) => Promise<T>): Promise<T> => {
  const { names, ownerUri, config, logger } = place
  if ((await findDatabase(await place.maintenance(), names.live)) === undefined)
    throw new RestoreError('UntilOutOfReach', `the database ${names.live} does not exist`)
  const live = openDatabase(ownerUri, names.live, { service: config.service, logger })
  try {
    return await use(live)
  } finally {
    await live.close()
  }
}

/** The moment that is restored. */
const momentOf = async (place: Workplace, live: Database, until: RestoreUntil): Promise<Date> => {
  const { manifest } = await place.source()
  if ('auditSequence' in until) return checkTrail(live, manifest, until.auditSequence)
  const moment = new Date(until.time)
  const remembered = await replacedAt(await place.maintenance(), place.names.live)
  const told = place.config.restore.replacedAt.map((at) => new Date(at))
  checkTime(manifest, { until: moment, replacedAt: remembered === undefined ? told : [...told, remembered] })
  return moment
}

/** From what is there and not from what was done, so that a pod that finds it done says the same. */
const reportOf = async (beside: Queryable, cut: number, moment: Date): Promise<RestoreReport> => {
  const { seq } = await readHead(beside)
  const { rows } = await beside.query<{ users: number; tasks: number }>(
    `SELECT count(DISTINCT user_id) AS users, count(DISTINCT task_id) AS tasks FROM audit_entries e
     WHERE stream = 'tasks' AND seq > $1 AND task_id IS NOT NULL AND NOT EXISTS (SELECT FROM users u WHERE u.id::text = e.user_id)`,
    [cut],
  )
  const { users, tasks } = rows[0] ?? { users: 0, tasks: 0 }
  return {
    step: 'reapply',
    message: `${seq - cut} entries after the cut took effect again, up to entry ${seq} and ${moment.toISOString()}`,
    reapplied: { entries: seq - cut, auditSequence: seq, until: moment.toISOString() },
    ...(users === 0
      ? {}
      : {
          violations: [
            `${tasks} tasks of ${users} users who registered after the cut are left out: their accounts are not in the log`,
          ],
        }),
  }
}
