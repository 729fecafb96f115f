import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventually } from '../../test/support/eventually.ts'
import { startFlakyApiServer } from '../../test/support/flaky-api-server.ts'
import type { FlakyApiServer } from '../../test/support/flaky-api-server.ts'
import { startTinyApiServer } from '../../test/support/tiny-api-server.ts'
import type { TinyApiServer } from '../../test/support/tiny-api-server.ts'
import { createCredentials } from './credentials.ts'
import { createKubeClient } from './http-client.ts'
import { kinds } from './kinds.ts'
import { KubeError } from './kube-error.ts'
import type { KubeObject } from './object.ts'
import { createTransport } from './transport.ts'
import type { Transport } from './transport.ts'

const collection = '/api/v1/namespaces/todo-app/configmaps'
const configMap: KubeObject = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'todo-app', name: 'settings' },
  data: { level: 'info' },
}
const ref = { namespace: 'todo-app', name: 'settings' }

let api: TinyApiServer
let proxy: FlakyApiServer
let transport: Transport
let logins: number
let responses: { method: string; code: number }[]

beforeEach(async () => {
  api = await startTinyApiServer()
  proxy = await startFlakyApiServer({ server: api.url, tls: {}, headers: {} })
  logins = 0
  responses = []
  const credentials = createCredentials(() => {
    logins += 1
    return Promise.resolve({ server: proxy.url, tls: {}, headers: { authorization: `Bearer token-${logins}` } })
  })
  transport = createTransport({
    credentials,
    userAgent: 'todochatbot-operator/test',
    onResponse: (response) => responses.push(response),
    random: () => 0,
  })
})

afterEach(async () => {
  await transport.close()
  await proxy.close()
  await api.close()
})

const failureOf = async (promise: Promise<unknown>): Promise<KubeError> => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(KubeError)
  return error as KubeError
}

test('a refused token is read again at once and the request repeated with the new one', async () => {
  api.put(collection, configMap)
  proxy.inject({ type: 'status', code: 401 })
  const found = await createKubeClient(transport).get(kinds.ConfigMap, ref)
  expect(found['data']).toEqual({ level: 'info' })
  expect(proxy.seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer token-1', 'Bearer token-2'])
})

test('a second 401 is final', async () => {
  proxy.inject({ type: 'status', code: 401, times: 2 })
  const error = await failureOf(createKubeClient(transport).get(kinds.ConfigMap, ref))
  expect(error.status).toBe(401)
  expect(proxy.seen).toHaveLength(2)
})

test('429 with Retry-After is waited for and then succeeds', async () => {
  api.put(collection, configMap)
  proxy.inject({ type: 'status', code: 429, retryAfterSeconds: 0, times: 2 })
  await createKubeClient(transport).get(kinds.ConfigMap, ref)
  expect(responses.map(({ code }) => code)).toEqual([429, 429, 200])
})

test('429 that does not end is reported with what the server asked for', async () => {
  proxy.inject({ type: 'status', code: 429, retryAfterSeconds: 0, times: 10 })
  const error = await failureOf(createKubeClient(transport).get(kinds.ConfigMap, ref))
  expect(error).toMatchObject({ status: 429, retryAfterMs: 0 })
})

test('500 is not repeated by the transport; that is for whoever knows what the request meant', async () => {
  proxy.inject({ type: 'status', code: 500, reason: 'InternalError' })
  const error = await failureOf(createKubeClient(transport).get(kinds.ConfigMap, ref))
  expect(error).toMatchObject({ status: 500, reason: 'InternalError' })
  expect(proxy.seen).toHaveLength(1)
})

test('a read on a connection that turns out to be closed is sent again', async () => {
  api.put(collection, configMap)
  proxy.inject({ type: 'refuse' })
  await createKubeClient(transport).get(kinds.ConfigMap, ref)
  expect(proxy.seen).toHaveLength(2)
})

test('a create on a closed connection is not sent again, because it may have been carried out', async () => {
  proxy.inject({ type: 'refuse' })
  const error = await failureOf(createKubeClient(transport).create(configMap, { fieldManager: 'test' }))
  expect(error).toMatchObject({ status: 0, reason: 'Unreachable' })
  expect(proxy.seen).toHaveLength(1)
})

test('a server that accepts and never answers is given up at the deadline', async () => {
  proxy.inject({ type: 'stall', afterBytes: 0 })
  const error = await failureOf(createKubeClient(transport).get(kinds.ConfigMap, ref, { timeoutMs: 50 }))
  expect(error).toMatchObject({ status: 0, reason: 'Timeout' })
  expect(error.message).toContain('50 ms')
})

test('an answer that stalls in its body is given up at the deadline, too', async () => {
  api.put(collection, configMap)
  proxy.inject({ type: 'stall', afterBytes: 10 })
  const error = await failureOf(createKubeClient(transport).get(kinds.ConfigMap, ref, { timeoutMs: 50 }))
  expect(error.reason).toBe('Timeout')
})

test('an urgent call does not wait behind others that are not answered', async () => {
  api.put(collection, configMap)
  proxy.inject({ type: 'stall', afterBytes: 0, times: 32 })
  const stop = new AbortController()
  const client = createKubeClient(transport)
  const stuck = Array.from({ length: 40 }, () => client.get(kinds.ConfigMap, ref, { signal: stop.signal }))
  await eventually(() => expect(proxy.seen).toHaveLength(32))
  const found = await client.get(kinds.ConfigMap, ref, { urgent: true, timeoutMs: 5_000 })
  expect(found['data']).toEqual({ level: 'info' })
  stop.abort(new Error('enough'))
  expect((await Promise.allSettled(stuck)).every(({ status }) => status === 'rejected')).toBe(true)
})

test('aborting rejects with the reason of the signal', async () => {
  proxy.inject({ type: 'stall', afterBytes: 0 })
  const stop = new AbortController()
  const pending = createKubeClient(transport).get(kinds.ConfigMap, ref, { signal: stop.signal })
  stop.abort(new Error('shutdown'))
  await expect(pending).rejects.toThrow('shutdown')
})

test('connections are reused: a hundred calls one after another use no more than two', async () => {
  api.put(collection, configMap)
  const client = createKubeClient(transport)
  for (let call = 0; call < 100; call += 1) await client.get(kinds.ConfigMap, ref)
  expect(new Set(proxy.seen.map(({ port }) => port)).size).toBeLessThanOrEqual(2)
})

test('apply is sent with the media type, the manager and force, and says whether it created', async () => {
  const client = createKubeClient(transport)
  const first = await client.apply(configMap, { fieldManager: 'todochatbot-operator' })
  const second = await client.apply(configMap, { fieldManager: 'todochatbot-operator' })
  expect([first.created, second.created]).toEqual([true, false])
  const [request] = proxy.seen
  expect(request?.headers['content-type']).toBe('application/apply-patch+yaml')
  expect(Object.fromEntries(request?.query ?? [])).toEqual({
    fieldManager: 'todochatbot-operator',
    force: 'true',
    fieldValidation: 'Ignore',
  })
  expect(request?.headers['user-agent']).toBe('todochatbot-operator/test')
})

test('deleting with the uid of a predecessor leaves the namesake alone', async () => {
  api.put(collection, configMap)
  const error = await failureOf(createKubeClient(transport).delete(kinds.ConfigMap, ref, { uid: 'of-another-life' }))
  expect(error.reason).toBe('Conflict')
  expect(api.get(collection, 'settings')).toBeDefined()
})

test('deleting what is gone is a success', async () => {
  expect(await createKubeClient(transport).delete(kinds.ConfigMap, ref)).toBeUndefined()
})
