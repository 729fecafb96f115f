/**
 * The state store as it was at the cut: keys of the system that came later go, those of the backup come back with what was left of their life.
 * Keys are `<namespace>.<app id>||<key>`; a backup of another system is put under the names of this one.
 *
 * The keys of before are set aside in the store itself, under a prefix of this restore, before the first one of the backup is written, so that
 * an undo can put them back. A marker says that all of them are aside: from then on whatever bears the names of the system is of the backup.
 *
 *     no marker, keys aside: setting aside was interrupted          marker: may hold keys of the backup
 */
import type { StateEntry } from '../../lib/backup/records.ts'
import { connectRedis, type RedisClient } from '../../lib/redis/client.ts'
import { scanKeys } from '../../lib/redis/scan.ts'
import type { Workplace } from './workplace.ts'

/** Keys asked for at a time. */
const scanCount = 500

const markerOf = (uid: string): string => `todochatbot-restore-${uid.slice(0, 8)}`
const asideOf = (uid: string): string => `${markerOf(uid)}||`

/** Returns how many keys came back. */
export const restoreState = (place: Workplace): Promise<number> =>
  withStore(place, 0, async (redis, prefixes) => {
    const { namespace, system, restore } = place.config
    await setAside(redis, prefixes, restore.uid)
    const source = await place.source()
    const { backup } = source.manifest
    const stale = new Set((await keysOf(redis, prefixes)).map((key) => key.toString('latin1')))
    let restored = 0
    for await (const entry of source.state()) {
      place.signal.throwIfAborted()
      const key = renamed(entry, { from: `${backup.namespace}.${backup.system}-`, to: `${namespace}.${system}-` })
      await redis.send('RESTORE', key, String(Math.max(0, entry.ttl)), entry.dump, 'REPLACE')
      stale.delete(key.toString('latin1'))
      restored += 1
    }
    for (const key of stale) await redis.send('DEL', Buffer.from(key, 'latin1'))
    return restored
  })

/** Puts the keys of before back; does nothing where none were set aside. */
export const putStateBack = (place: Workplace): Promise<void> =>
  withStore(place, undefined, async (redis, prefixes) => {
    const { uid } = place.config.restore
    const aside = asideOf(uid)
    if ((await redis.send('EXISTS', markerOf(uid))) === 1)
      for (const key of await keysOf(redis, prefixes)) await redis.send('DEL', key)
    for (const key of await keysOf(redis, [aside])) await move(redis, key, key.subarray(aside.length))
    await redis.send('DEL', markerOf(uid))
  })

/** Removes the keys of before. */
export const forgetState = (place: Workplace): Promise<void> =>
  withStore(place, undefined, async (redis) => {
    const { uid } = place.config.restore
    for (const key of await keysOf(redis, [asideOf(uid)])) await redis.send('DEL', key)
    await redis.send('DEL', markerOf(uid))
  })

const setAside = async (redis: RedisClient, prefixes: readonly string[], uid: string): Promise<void> => {
  if ((await redis.send('EXISTS', markerOf(uid))) === 1) return
  const aside = Buffer.from(asideOf(uid))
  for (const key of await keysOf(redis, prefixes)) await move(redis, key, Buffer.concat([aside, key]))
  await redis.send('SET', markerOf(uid), 'all')
}

/** With what is left of its life. A key that ended meanwhile is no loss. */
const move = async (redis: RedisClient, from: Buffer, to: Buffer): Promise<void> => {
  try {
    await redis.send('RENAME', from, to)
  } catch (error) {
    if (!(error instanceof Error && error.message.includes('no such key'))) throw error
  }
}

/** `none` when the system has no state store. */
const withStore = async <T>(
  place: Workplace,
  none: T,
  use: (redis: RedisClient, prefixes: readonly string[]) => Promise<T>,
): Promise<T> => {
  const { stateStore } = place.config
  if (stateStore === undefined) return none
  const { password, address, tls, keyPrefixes } = stateStore
  const redis = await connectRedis({
    address,
    tls: tls && { ca: tls.ca === undefined ? undefined : await place.secret(tls.ca) },
    password: password === undefined ? undefined : await place.secret(password),
    signal: place.signal,
  })
  try {
    return await use(redis, keyPrefixes)
  } finally {
    redis.close()
  }
}

/** The key in the system that is restored into. Keys are bytes; latin1 keeps each of them. */
const renamed = ({ key }: StateEntry, { from, to }: { readonly from: string; readonly to: string }): Buffer => {
  const text = key.toString('latin1')
  return text.startsWith(from) ? Buffer.from(to + text.slice(from.length), 'latin1') : key
}

/** All of them before any is changed: a scan that goes on while keys are renamed may show some twice, others not at all. */
const keysOf = async (redis: RedisClient, prefixes: readonly string[]): Promise<readonly Buffer[]> => {
  const found = new Map<string, Buffer>()
  for (const prefix of prefixes)
    for await (const keys of scanKeys(redis, prefix, scanCount))
      for (const key of keys) found.set(key.toString('latin1'), key)
  return [...found.values()]
}
