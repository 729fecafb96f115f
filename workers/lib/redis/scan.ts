import type { RedisClient, Reply } from './client.ts'

/** The keys that begin with a prefix, page by page. SCAN may show a key twice while Redis grows, and pages may be empty. */
export async function* scanKeys(
  redis: RedisClient,
  prefix: string,
  pageSize: number,
): AsyncGenerator<readonly Buffer[]> {
  const pattern = `${prefix.replace(/[\\*?[\]^-]/g, '\\$&')}*`
  let cursor = '0'
  do {
    const page = pageOf(await redis.send('SCAN', cursor, 'MATCH', pattern, 'COUNT', String(pageSize)))
    yield page.keys
    cursor = page.cursor
  } while (cursor !== '0')
}

const pageOf = (reply: Reply): { readonly cursor: string; readonly keys: readonly Buffer[] } => {
  const [cursor, keys] = Array.isArray(reply) ? (reply as readonly Reply[]) : []
  if (!Buffer.isBuffer(cursor) || !Array.isArray(keys)) throw new Error('Redis answered SCAN with something else')
  return { cursor: cursor.toString(), keys: (keys as readonly Reply[]).filter((key) => Buffer.isBuffer(key)) }
}
