import { expect, test } from 'vitest'
import { z } from 'zod'
import { reasonOf } from './reason.ts'

const thrownBy = (work: () => unknown): unknown => {
  try {
    return work()
  } catch (error) {
    return error
  }
}

test.each([
  [
    'fields of another version',
    () => z.object({ pool: z.object({ max: z.number() }) }).parse({ pool: {} }),
    'answer.pool.max: ',
  ],
  ['no JSON', () => JSON.parse('<html>') as unknown, 'Unexpected token'],
])('an answer with %s is told in words, with the place', (_, ask, place) => {
  const reason = reasonOf(thrownBy(ask))
  expect(reason).toContain(`the answer is not understood (is the worker of another version?): ${place}`)
  expect(reason).not.toContain('\n')
})

test.each([
  [
    'a refused connection',
    new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') }),
    'connect ECONNREFUSED',
  ],
  ['silence', new DOMException('timed out', 'TimeoutError'), 'no answer in time'],
])('%s is told by its cause', (_, error, words) => expect(reasonOf(error)).toBe(words))
