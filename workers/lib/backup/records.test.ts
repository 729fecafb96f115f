import { Readable } from 'node:stream'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { StoredRecord } from './records.ts'
import { decodeRecords, decodeState, encodeRecord, encodeState } from './records.ts'

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
const nullable = fc.option(bytes, { nil: null })
const record: fc.Arbitrary<StoredRecord> = fc.record({
  offset: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  timestamp: fc.integer({ min: -1, max: 4_000_000_000_000 }),
  key: nullable,
  value: nullable,
  headers: fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), nullable), { maxLength: 5 }),
})

/** Cut wherever a stream may be cut. */
// eslint-disable-next-line @typescript-eslint/require-await -- a stream of what is there already
async function* cut(text: string, size: number): AsyncGenerator<Uint8Array> {
  const whole = Buffer.from(text)
  for (let at = 0; at < whole.length; at += size) yield whole.subarray(at, at + size)
}

test('any record is read as it was written, however the stream is cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(record, { maxLength: 5 }), fc.integer({ min: 1, max: 50 }), async (records, size) => {
      const text = records.map(encodeRecord).join('')
      expect(await Readable.from(decodeRecords(cut(text, size))).toArray()).toEqual(records)
    }),
  )
})

test('any key of the state store is read as it was written', async () => {
  const entry = fc.record({ key: bytes, ttl: fc.integer({ min: -1, max: 1e12 }), dump: bytes })
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 5 }), async (entries) => {
      const text = entries.map(encodeState).join('')
      expect(await Readable.from(decodeState(cut(text, 7))).toArray()).toEqual(entries)
    }),
  )
})

test.each([
  ['a last line that is cut off', '{"o":1,"t":2,"k":null,"v":null,"h":[]}'],
  ['a line that is no JSON', 'o=1\n'],
  ['an offset that is no number', '{"o":"1","t":2,"k":null,"v":null,"h":[]}\n'],
  ['a field that is missing', '{"o":1,"t":2,"k":null,"h":[]}\n'],
])('%s is refused', async (_what, text) => {
  await expect(Readable.from(decodeRecords(cut(text, 10))).toArray()).rejects.toMatchObject({ code: 'PartCorrupt' })
})
