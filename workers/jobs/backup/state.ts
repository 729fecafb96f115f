import { encodeState } from '../../lib/backup/records.ts'
import { connectRedis } from '../../lib/redis/client.ts'
import type { RedisOptions } from '../../lib/redis/client.ts'
import type { Reply } from '../../lib/redis/replies.ts'

/** Keys asked for at once. */
const pageSize = 200

/** Every key with one of the prefixes, as lines. `onKeys` is told how many were written. SCAN may show a key twice while Redis grows; the second line says the same. */
export async function* dumpState(
  options: RedisOptions & { readonly keyPrefixes: readonly string[]; readonly onKeys: (count: number) => void },
): AsyncGenerator<Uint8Array> {
  const redis = await connectRedis(options)
  try {
    for (const prefix of options.keyPrefixes) {
      const pattern = `${prefix.replace(/[\\*?[\]^-]/g, '\\$&')}*`
      for (let cursor = '0'; ;) {
        const page = pageOf(await redis.send('SCAN', cursor, 'MATCH', pattern, 'COUNT', String(pageSize)))
        const lines = await Promise.all(
          page.keys.map(async (key) => {
            const [dump, ttl] = await Promise.all([redis.send('DUMP', key), redis.send('PTTL', key)])
            // Gone since SCAN saw it.
            if (!Buffer.isBuffer(dump) || typeof ttl !== 'number' || ttl === -2) return ''
            return encodeState({ key, ttl, dump })
          }),
        )
        const kept = lines.filter((line) => line !== '')
        options.onKeys(kept.length)
        if (kept.length > 0) yield Buffer.from(kept.join(''))
        cursor = page.cursor
        if (cursor === '0') break
      }
    }
  } finally {
    redis.close()
  }
}

const pageOf = (reply: Reply): { cursor: string; keys: readonly Buffer[] } => {
  const [cursor, keys] = Array.isArray(reply) ? (reply as readonly Reply[]) : []
  if (!Buffer.isBuffer(cursor) || !Array.isArray(keys)) throw new Error('Redis answered SCAN with something else')
  return { cursor: cursor.toString(), keys: (keys as readonly Reply[]).filter((key) => Buffer.isBuffer(key)) }
}
