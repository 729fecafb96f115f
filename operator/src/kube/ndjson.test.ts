import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseLines } from './ndjson.ts'

async function* chunked(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let start = 0
  for (const size of sizes) {
    yield await Promise.resolve(bytes.subarray(start, start + size))
    start += size
  }
  yield bytes.subarray(start)
}

const collect = async (stream: AsyncIterable<unknown>): Promise<unknown[]> => {
  const values: unknown[] = []
  for await (const value of stream) values.push(value)
  return values
}

test('any JSON values come out as they went in, wherever the chunks are cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.jsonValue({ stringUnit: 'binary', maxDepth: 1 })),
      fc.array(fc.nat(9)),
      async (values, sizes) => {
        const text = values.map((value) => `${JSON.stringify(value)}\n`).join('')
        const parsed = await collect(parseLines(chunked(Buffer.from(text), sizes)))
        expect(parsed).toEqual(JSON.parse(JSON.stringify(values)))
      },
    ),
  )
})

test('a last line without its line feed was cut off and is not reported', async () => {
  expect(await collect(parseLines(chunked(Buffer.from('{"a":1}\n{"b":2}'), [3])))).toEqual([{ a: 1 }])
})

test('a line that is not JSON ends the stream with its size, not its content', async () => {
  await expect(collect(parseLines(chunked(Buffer.from('{"password":\n'), [])))).rejects.toMatchObject({
    reason: 'Malformed',
    message: 'watch: a line of 12 bytes is not JSON',
  })
})
