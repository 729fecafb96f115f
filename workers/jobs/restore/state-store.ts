/**
 * The state store as it was at the cut: keys of the system that came later go, those of the backup come back with what was left of their life.
 * Keys are `<namespace>.<app id>||<key>`; a backup of another system is put under the names of this one.
 */
import type { StateEntry } from '../../lib/backup/records.ts'
import { connectRedis, type RedisClient } from '../../lib/redis/client.ts'
import { scanKeys } from '../../lib/redis/scan.ts'
import type { Workplace } from './workplace.ts'

/** Keys asked for at a time. */
const scanCount = 500

/** Returns how many keys came back. */
export const restoreState = async (place: Workplace): Promise<number> => {
  const { stateStore, namespace, system } = place.config
  if (stateStore === undefined) return 0
  const source = await place.source()
  const { backup } = source.manifest
  const { password, address, tls, keyPrefixes } = stateStore
  const redis = await connectRedis({
    address,
    tls: tls && { ca: tls.ca === undefined ? undefined : await place.secret(tls.ca) },
    password: password === undefined ? undefined : await place.secret(password),
    signal: place.signal,
  })
  try {
    const stale = await keysOf(redis, keyPrefixes)
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
  } finally {
    redis.close()
  }
}

/** The key in the system that is restored into. */
const renamed = ({ key }: StateEntry, { from, to }: { readonly from: string; readonly to: string }): Buffer => {
  const text = key.toString('latin1')
  return text.startsWith(from) ? Buffer.from(to + text.slice(from.length), 'latin1') : key
}

/** Keys are bytes; latin1 keeps each of them. */
const keysOf = async (redis: RedisClient, prefixes: readonly string[]): Promise<Set<string>> => {
  const found = new Set<string>()
  for (const prefix of prefixes)
    for await (const keys of scanKeys(redis, prefix, scanCount))
      for (const key of keys) found.add(key.toString('latin1'))
  return found
}
