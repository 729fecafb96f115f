import { encodeState } from '../../lib/backup/records.ts'
import { connectRedis } from '../../lib/redis/client.ts'
import type { RedisOptions } from '../../lib/redis/client.ts'
import { scanKeys } from '../../lib/redis/scan.ts'

/** Keys asked for at once. */
const pageSize = 200

/** Every key with one of the prefixes, as lines. `onKeys` is told how many were written. A key that SCAN shows twice has two lines that say the same. */
export async function* dumpState(
  options: RedisOptions & { readonly keyPrefixes: readonly string[]; readonly onKeys: (count: number) => void },
): AsyncGenerator<Uint8Array> {
  const redis = await connectRedis(options)
  try {
    for (const prefix of options.keyPrefixes) {
      for await (const keys of scanKeys(redis, prefix, pageSize)) {
        const lines = await Promise.all(
          keys.map(async (key) => {
            const [dump, ttl] = await Promise.all([redis.send('DUMP', key), redis.send('PTTL', key)])
            // Gone since SCAN saw it.
            if (!Buffer.isBuffer(dump) || typeof ttl !== 'number' || ttl === -2) return ''
            return encodeState({ key, ttl, dump })
          }),
        )
        const kept = lines.filter((line) => line !== '')
        options.onKeys(kept.length)
        if (kept.length > 0) yield Buffer.from(kept.join(''))
      }
    }
  } finally {
    redis.close()
  }
}
