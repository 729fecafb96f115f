import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalJson, contentHash, kafkaClusterId } from './hash.ts'

const reversed = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, field]) => [key, reversed(field)]),
  )
}

test('the order in which an object was built does not count', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(contentHash(reversed(value))).toBe(contentHash(value))
    }),
  )
})

test('different contents get different hashes', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      fc.pre(canonicalJson(a) !== canonicalJson(b))
      expect(contentHash(a)).not.toBe(contentHash(b))
    }),
    { numRuns: 1000 },
  )
})

test('neighbouring texts get hashes without a collision', () => {
  const hashes = Array.from({ length: 50_000 }, (_, index) => contentHash(`replicas: ${String(index)}`))
  expect(new Set(hashes).size).toBe(hashes.length)
})

test('a field that is undefined counts as absent', () => {
  expect(contentHash({ a: 1, b: undefined })).toBe(contentHash({ a: 1 }))
})

test('a cluster id is what Kafka takes: 16 bytes in URL-safe base64 that start with a letter', () => {
  fc.assert(
    fc.property(fc.string(), (seed) => {
      const id = kafkaClusterId(seed)
      expect(id).toMatch(/^[A-Za-z][A-Za-z0-9_-]{21}$/)
      expect(Buffer.from(id, 'base64url')).toHaveLength(16)
    }),
  )
})
