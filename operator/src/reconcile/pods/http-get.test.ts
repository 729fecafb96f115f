import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { getFromPod } from './http-get.ts'

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

const podThat = async (answers: RequestListener): Promise<{ ip: string; port: number }> => {
  const started = createServer(answers)
  server = started
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve))
  return { ip: '127.0.0.1', port: (started.address() as AddressInfo).port }
}
const never = new AbortController().signal

test('the status and the body come back, and the headers go', async () => {
  const pod = await podThat((request, response) => {
    response.writeHead(503).end(`${request.url} ${request.headers.authorization}`)
  })
  const answer = getFromPod(pod, '/health', 5_000, never, { authorization: 'Bearer x' })
  await expect(answer).resolves.toEqual({ status: 503, body: '/health Bearer x' })
})

test('a redirect is an answer: a pod cannot send the operator elsewhere', async () => {
  const asked: (string | undefined)[] = []
  const pod = await podThat((request, response) => {
    asked.push(request.url)
    response.writeHead(302, { location: '/elsewhere' }).end()
  })
  expect((await getFromPod(pod, '/health', 5_000, never)).status).toBe(302)
  expect(asked).toEqual(['/health'])
})

test('a body without end is not read to its end', async () => {
  const pod = await podThat((_, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(16 * 1024)));
      if (!response.destroyed) response.once('drain', more)
    }
    more()
  })
  await expect(getFromPod(pod, '/', 5_000, never)).rejects.toThrow('larger than 65536 bytes')
})

test.each([
  ['says nothing', () => undefined],
  ['begins to answer and stops', (_: unknown, response: { write: (text: string) => void }) => response.write('{')],
])('a pod that %s is given up at the deadline', async (_, answers) => {
  const pod = await podThat(answers)
  await expect(getFromPod(pod, '/', 50, never)).rejects.toMatchObject({ name: 'TimeoutError' })
})

test('a signal ends a question under way, with its reason, and one before it begins', async () => {
  const controller = new AbortController()
  const pod = await podThat(() => controller.abort(new Error('shutdown')))
  await expect(getFromPod(pod, '/', 5_000, controller.signal)).rejects.toThrow('shutdown')
  await expect(getFromPod(pod, '/', 5_000, controller.signal)).rejects.toThrow('shutdown')
})

test('a pod nobody listens for is told as refused', async () => {
  const pod = await podThat(() => undefined)
  const gone = server
  server = undefined
  await new Promise((resolve) => gone?.close(resolve))
  await expect(getFromPod(pod, '/', 5_000, never)).rejects.toThrow('ECONNREFUSED')
})
