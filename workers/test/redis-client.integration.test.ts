import { randomBytes } from 'node:crypto'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startRedis } from '../../hack/cluster/index.ts'
import type { RedisServer } from '../../hack/cluster/index.ts'
import { connectRedis } from '../lib/redis/client.ts'
import { scanKeys } from '../lib/redis/scan.ts'

let server: RedisServer
const { signal } = new AbortController()
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())

const connect = (over: Partial<Parameters<typeof connectRedis>[0]> = {}) =>
  connectRedis({ address: server.address, password: server.password, signal, ...over })

describe('what Jobs ask Redis', () => {
  test('keeps every byte of keys and dumps', async () => {
    const redis = await connect()
    const [key, value] = [Buffer.concat([Buffer.from('bytes||'), randomBytes(32)]), randomBytes(100_000)]
    await redis.send('SET', key, value)
    const dump = await redis.send('DUMP', key)
    await redis.send('DEL', key)
    expect(await redis.send('EXISTS', key)).toBe(0)
    expect(await redis.send('DUMP', key)).toBeNull()
    await redis.send('RESTORE', key, '60000', dump as Buffer)
    expect(await redis.send('GET', key)).toEqual(value)
    expect(await redis.send('PTTL', key)).toBeGreaterThan(50_000)
    const found: Buffer[] = []
    for await (const page of scanKeys(redis, 'bytes||', 10)) found.push(...page)
    expect(found).toEqual([key])
    redis.close()
  })

  test('answers each of many commands at once, and an error to its own command only', async () => {
    const redis = await connect()
    const asked = Array.from({ length: 500 }, (_, n) =>
      n % 100 === 7 ? redis.send('NOSUCH') : redis.send('ECHO', String(n)),
    )
    const answers = await Promise.all(
      asked.map((one) =>
        one.then(
          (answer) => String(answer),
          (error: unknown) => String(error),
        ),
      ),
    )
    for (const [n, answer] of answers.entries())
      if (n % 100 === 7) expect(answer).toMatch(/unknown command/)
      else expect(answer).toBe(String(n))
    redis.close()
    await expect(redis.send('PING')).rejects.toThrow('the connection was closed')
  })

  test('is refused with the words of the server when the password is wrong or missing', async () => {
    await expect(connect({ password: 'wrong' })).rejects.toThrow('WRONGPASS')
    await expect(connect({ password: undefined })).rejects.toThrow('NOAUTH')
  })

  test('ends with the reason of the signal, also while an answer is awaited', async () => {
    const stopping = new AbortController()
    const redis = await connect({ signal: stopping.signal })
    const waiting = redis.send('BLPOP', 'nothing', '60')
    stopping.abort(new Error('the deadline is over'))
    await expect(waiting).rejects.toThrow('the deadline is over')
    await expect(connect({ signal: stopping.signal })).rejects.toThrow('the deadline is over')
  })
})

describe('what is no Redis', () => {
  let other: Server | undefined
  afterAll(() => other?.close())
  const listening = async (answer: string | undefined): Promise<string> => {
    other?.close()
    const started = createServer((socket) => {
      socket.on('error', () => undefined)
      if (answer !== undefined) socket.end(answer)
    })
    other = started
    await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve))
    return `127.0.0.1:${(started.address() as AddressInfo).port}`
  }

  test.each([
    ['says nothing', undefined, /did not answer within 300 ms/],
    ['closes', '', /closed|unexpectedly/i],
    ['speaks something else', 'HTTP/1.1 400 Bad Request\r\n\r\n', /Redis at 127\.0\.0\.1:\d+: /],
  ])('is told as such when it %s', async (_, answer, message) => {
    await expect(connect({ address: await listening(answer), timeout: 300 })).rejects.toThrow(message)
  })

  test('is told as such when nobody listens', async () => {
    const address = await listening('')
    await new Promise((resolve) => other?.close(resolve))
    await expect(connect({ address })).rejects.toThrow(/Redis at .*ECONNREFUSED/)
  })
})
