/** The steps that change what the workers will see: switch, and its way back. Workers are stopped. */
import type { RestoreReport } from './config.ts'
import { switchBack, switchDatabases, type Switching } from './database-switch.ts'
import { dropDatabase, findDatabase, keptDatabases } from './databases.ts'
import { forget, moveBack, moveGroups, whenEmpty } from './groups.ts'
import { forgetState, putStateBack, restoreState } from './state-store.ts'
import type { Workplace } from './workplace.ts'

const switching = async (place: Workplace): Promise<Switching> => ({
  maintenance: await place.maintenance(),
  names: place.names,
  uid: place.config.restore.uid,
  waitTimeout: place.config.database.waitTimeout,
  pause: place.pause,
})

const emptyGroups = async (place: Workplace): Promise<void> => {
  const { admin } = await place.kafka()
  const { waitTimeout } = place.config.kafka
  await whenEmpty(admin, place.groups, { waitTimeout, pause: place.pause })
}

/**
 * Database, groups and state store, in this order. Each part is skipped when it is done, so the next pod goes on; the database is one
 * transaction, and a group that was moved stays moved.
 */
export const switchOver = async (place: Workplace): Promise<RestoreReport> => {
  const { config, names } = place
  await emptyGroups(place)
  await switchDatabases(await switching(place))
  await moveGroups(await place.kafka(), place.groups, config.restore.uid)
  const keys = await restoreState(place)
  const kept = await findDatabase(await place.maintenance(), names.before)
  return {
    step: 'switch',
    message: `${names.live} holds the restored database, the consumers stand after the cut, ${keys} keys of the state store are back`,
    ...(kept === undefined ? {} : { databaseBefore: names.before }),
  }
}

/** Puts back whatever was switched and removes what the restore made. Does nothing where nothing was done. */
export const undo = async (place: Workplace): Promise<RestoreReport> => {
  const { config, names } = place
  const clients = await place.kafka()
  await emptyGroups(place)
  const back = await switchBack(await switching(place))
  await moveBack(clients, place.groups, config.restore.uid)
  await putStateBack(place)
  await dropDatabase(await place.maintenance(), names.beside)
  await forget(clients.admin, place.groups, config.restore.uid)
  const message =
    back === 'switched'
      ? `${names.live} is the database of before again, and the consumers stand where they stood`
      : 'nothing had been switched; what was restored beside is removed'
  return { step: 'undo', message }
}

/** Removes what was kept: `all` with the database of before this restore, otherwise only those of earlier ones. */
export const cleanUp = async (place: Workplace, which: 'all' | 'earlier'): Promise<RestoreReport> => {
  const { config, names } = place
  const maintenance = await place.maintenance()
  const dropped: string[] = []
  for (const kept of await keptDatabases(maintenance, names.live)) {
    if (which === 'all' ? kept !== names.before : kept === names.before) continue
    await dropDatabase(maintenance, kept)
    dropped.push(kept)
  }
  await dropDatabase(maintenance, names.beside)
  await forgetState(place)
  const { admin } = await place.kafka()
  await forget(admin, place.groups, config.restore.uid)
  return { step: 'cleanup', message: dropped.length === 0 ? 'nothing was left' : `removed ${dropped.join(', ')}` }
}
