import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Reply } from './replies.ts'
import { createReplyParser } from './replies.ts'

const { reply } = fc.letrec<{ reply: Reply }>((tie) => ({
  reply: fc.oneof(
    { maxDepth: 2 },
    fc.uint8Array({ maxLength: 40 }).map((bytes): Reply => Buffer.from(bytes)),
    fc.integer(),
    fc.constant(null),
    fc.array(tie('reply'), { maxLength: 4 }),
  ),
}))
const encode = (value: Reply): Buffer => {
  if (value === null) return Buffer.from('$-1\r\n')
  if (typeof value === 'number') return Buffer.from(`:${value}\r\n`)
  if (Buffer.isBuffer(value)) return Buffer.concat([Buffer.from(`$${value.length}\r\n`), value, Buffer.from('\r\n')])
  return Buffer.concat([Buffer.from(`*${value.length}\r\n`), ...value.map(encode)])
}

test('answers are read whole and in order, in whatever pieces they arrive', () => {
  fc.assert(
    fc.property(fc.array(reply, { maxLength: 6 }), fc.integer({ min: 1, max: 30 }), (replies, size) => {
      const seen: (Reply | Error)[] = []
      const parse = createReplyParser((one) => seen.push(one))
      const wire = Buffer.concat(replies.map(encode))
      for (let at = 0; at < wire.length; at += size) parse(wire.subarray(at, at + size))
      expect(seen).toEqual(replies)
    }),
  )
})

test('an error answers its own command only; what is no RESP is refused', () => {
  const seen: (Reply | Error)[] = []
  const parse = createReplyParser((one) => seen.push(one))
  parse(Buffer.from('-NOAUTH Authentication required.\r\n+OK\r\n'))
  expect(seen).toEqual([new Error('NOAUTH Authentication required.'), Buffer.from('OK')])
  expect(() => parse(Buffer.from('HTTP/1.1 400 Bad Request\r\n'))).toThrow('not a Redis server')
})
