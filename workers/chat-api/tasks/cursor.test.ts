import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HttpProblem } from '../../lib/http-errors.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'

const cursor = fc.record({
  sort: fc.constantFrom('createdAt', 'dueAt', 'firedAt'),
  value: fc.option(
    fc.date({ min: new Date(0), max: new Date('9999-12-30'), noInvalidDate: true }).map((date) => date.toISOString()),
    { nil: null },
  ),
  id: fc.uuid(),
})

describe('a cursor', () => {
  it('comes back as it went out, in characters that need no escaping in a URL', () => {
    fc.assert(
      fc.property(cursor, (given) => {
        const text = encodeCursor(given)
        expect(text).toMatch(/^[\w-]+$/)
        expect(decodeCursor(text, given.sort)).toEqual(given)
      }),
    )
  })

  it('of anything else is refused as the caller’s mistake', () => {
    const anything = fc.oneof(
      fc.string(),
      fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value)).toString('base64url')),
    )
    fc.assert(
      fc.property(anything, (text) => {
        expect(() => decodeCursor(text, 'createdAt')).toThrow(HttpProblem)
      }),
    )
  })
})
