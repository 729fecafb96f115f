import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { createSidecar, SidecarError } from './dapr.ts'

const open: { close: () => unknown }[] = []
afterEach(() => {
  for (const server of open.splice(0)) server.close()
})

/** A sidecar that answers every request the same way, and what it was asked. */
const answering = async (status: number, body: string, silent = false) => {
  const asked: { url: string; body: string }[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      asked.push({ url: request.url ?? '', body: text })
      if (!silent) response.writeHead(status).end(body)
    })
  })
  open.push({ close: () => (server.closeAllConnections(), server.close()) })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { asked, sidecar: createSidecar({ port, pubsub: 'todo-task-pubsub' }) }
}

const entries = ['1', '2'].map((entryId) => ({ entryId, key: `user-"${entryId}"`, event: `{"id":"${entryId}"}` }))
const { signal } = new AbortController()

describe('publishing through the sidecar', () => {
  test('sends the events as they are, each with its partition key', async () => {
    const { asked, sidecar } = await answering(204, '')
    expect(await sidecar.publishBulk('task events', entries, signal)).toEqual(new Map())
    expect(asked[0]?.url).toBe('/v1.0/publish/bulk/todo-task-pubsub/task%20events')
    expect(JSON.parse(asked[0]?.body ?? '')).toEqual(
      ['1', '2'].map((id) => ({
        entryId: id,
        contentType: 'application/cloudevents+json',
        metadata: { partitionKey: `user-"${id}"` },
        event: { id },
      })),
    )
  })

  test('says which events the broker refused', async () => {
    const failed = { errorCode: 'ERR_PUBSUB_PUBLISH_MESSAGE', failedEntries: [{ entryId: '2', error: 'too large' }] }
    const { sidecar } = await answering(500, JSON.stringify(failed))
    expect(await sidecar.publishBulk('t', entries, signal)).toEqual(new Map([['2', 'too large']]))
  })

  test.each([
    ['an error without names', '{"errorCode":"ERR_PUBSUB_NOT_FOUND"}'],
    ['an error about entries nobody sent', '{"failedEntries":[{"entryId":"9","error":"x"}]}'],
    ['an error that is no JSON', 'upstream gone'],
  ])('takes %s as a failure of all', async (_what, body) => {
    const { sidecar } = await answering(500, body)
    await expect(sidecar.publishBulk('t', entries, signal)).rejects.toMatchObject({ name: 'SidecarError', status: 500 })
  })

  test('gives up when its caller does', async () => {
    const { sidecar } = await answering(204, '', true)
    await expect(sidecar.publishBulk('t', entries, AbortSignal.timeout(30))).rejects.toBeInstanceOf(SidecarError)
  })

  test('waits for a sidecar that is not ready no longer than it was told', async () => {
    const { sidecar, asked } = await answering(500, '')
    await expect(sidecar.waitUntilReady(350, signal)).rejects.toThrow('was not ready within 350 ms')
    expect(asked.length).toBeGreaterThan(1)
  })
})
