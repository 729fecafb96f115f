import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { randomUUID } from 'node:crypto'
import { afterEach, expect, test } from 'vitest'
import { createDeliver } from './deliver.ts'

const open: (() => void)[] = []
afterEach(() => {
  for (const close of open.splice(0)) close()
})

const record = { topic: 'task-events', partition: 0, offset: 5, timestamp: 0, key: 'ada', value: '{"id":"e-1"}' }

/** A worker that answers one request after the other; the last answer stays. */
const worker = async (answers: readonly (readonly [status: number, body: string] | 'hang up')[]) => {
  const seen: { body: unknown; token: string | string[] | undefined; url: string | undefined }[] = []
  const server = createServer((request, response) => {
    const answer = answers[Math.min(seen.length, answers.length - 1)] ?? 'hang up'
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'))
      seen.push({ body, token: request.headers['dapr-api-token'], url: request.url })
      if (answer === 'hang up') request.socket.destroy()
      else response.writeHead(answer[0]).end(answer[1])
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  open.push(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const mark = { id: randomUUID(), force: false, muted: true }
  const deliver = createDeliver({ url, appToken: 'token', mark, patience: 500, attempts: 3 })
  return { seen, mark, send: () => deliver(record, '/replay/task-events', new AbortController().signal) }
}

const answer = (over: object): readonly [number, string] => [200, JSON.stringify(over)]

test('sends the record as it was read, with its place, its mark and the token', async () => {
  const { seen, mark, send } = await worker([answer({ status: 'SUCCESS', outcome: 'processed' })])
  expect(await send()).toEqual({ outcome: 'processed' })
  const position = { topic: 'task-events', partition: 0, offset: 5 }
  expect(seen).toEqual([
    { body: { replay: mark, position, event: record.value }, token: 'token', url: '/replay/task-events' },
  ])
})

test.each([
  ['duplicate', answer({ status: 'SUCCESS', outcome: 'duplicate' }), { outcome: 'duplicate' }],
  ['ignored', answer({ status: 'SUCCESS', outcome: 'ignored' }), { outcome: 'ignored' }],
  [
    'not understood',
    answer({ status: 'DROP', reason: 'no id' }),
    { outcome: 'failed', reason: 'cannot be understood: no id' },
  ],
  ['failing every time', answer({ status: 'RETRY', reason: 'lock' }), { outcome: 'failed', reason: 'lock' }],
] as const)('says of a record that is %s what became of it', async (_what, said, outcome) => {
  const { send } = await worker([said])
  expect(await send()).toEqual(outcome)
})

test('sends again after a connection that broke and after an answer of a server in trouble', async () => {
  const { seen, send } = await worker([
    'hang up',
    [503, 'starting'],
    answer({ status: 'RETRY' }),
    answer({ status: 'SUCCESS', outcome: 'processed' }),
  ])
  expect(await send()).toEqual({ outcome: 'processed' })
  expect(seen).toHaveLength(4)
})

test.each([
  [404, 'knows no replays'],
  [401, 'token'],
  [503, 'is away: answered 503'],
])('gives up for now when the worker answers %i', async (status, says) => {
  const { send } = await worker([[status, 'no']])
  await expect(send()).rejects.toThrow(says)
})
