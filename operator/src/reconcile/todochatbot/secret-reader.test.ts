import { describe, expect, test } from 'vitest'
import type { KubeClient } from '../../kube/client.ts'
import { KubeError } from '../../kube/kube-error.ts'
import type { KubeObject } from '../../kube/object.ts'
import { secretReader } from './secret-reader.ts'

const ref = { namespace: 'n', name: 'db' }
const { signal } = new AbortController()
const encoded = (value: string): string => Buffer.from(value).toString('base64')
const secret = (data: Record<string, string>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { ...ref, uid: 'u' },
  data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, encoded(value)])),
})

/** The API server's side: one Secret, or none, and how often it was asked. */
function server(stored: KubeObject | undefined) {
  const state = { stored, asked: 0, time: 0 }
  const get = (): Promise<KubeObject> => {
    state.asked += 1
    if (state.stored !== undefined) return Promise.resolve(state.stored)
    return Promise.reject(new KubeError({ status: 404, reason: 'NotFound', message: 'not found' }))
  }
  const reader = secretReader({ client: { get } as unknown as KubeClient, now: () => state.time })
  return { state, reader }
}

describe('reading Secrets', () => {
  test('asks once while nothing gives a reason to ask again', async () => {
    const { state, reader } = server(secret({ uri: 'postgresql://x' }))
    for (const time of [0, 1_000, 1e9]) {
      state.time = time
      const known = await reader.read(ref, { owner: 'n/a', token: '1', maxAge: Infinity }, signal)
      expect(known?.value('uri')).toBe('postgresql://x')
    }
    expect(state.asked).toBe(1)
  })

  test.each([
    { name: 'the spec changed', token: '2', maxAge: Infinity, time: 1 },
    { name: 'the system is not ready and the reading is old', token: '1', maxAge: 30_000, time: 30_001 },
  ])('asks again when $name', async ({ token, maxAge, time }) => {
    const { state, reader } = server(undefined)
    expect(await reader.read(ref, { owner: 'n/a', token: '1', maxAge }, signal)).toBeUndefined()
    state.stored = secret({ uri: 'x' })
    state.time = time
    expect((await reader.read(ref, { owner: 'n/a', token, maxAge }, signal))?.keys).toEqual(new Set(['uri']))
    expect(state.asked).toBe(2)
  })

  test('gives equal content equal hashes and other content other ones; an empty value is no key', async () => {
    const hashOf = async (data: Record<string, string>): Promise<string | undefined> =>
      (await server(secret(data)).reader.read(ref, { owner: 'n/a', token: '', maxAge: 0 }, signal))?.hash
    expect(await hashOf({ a: '1', b: '2' })).toBe(await hashOf({ b: '2', a: '1' }))
    expect(await hashOf({ a: '1' })).not.toBe(await hashOf({ a: '2' }))
    const { reader } = server(secret({ uri: '' }))
    expect((await reader.read(ref, { owner: 'n/a', token: '', maxAge: 0 }, signal))?.keys.size).toBe(0)
  })

  test('knows what was written without asking, and nothing of a system that is gone', async () => {
    const { state, reader } = server(undefined)
    reader.observe(secret({ password: 'x' }))
    expect(reader.get(ref)?.metadata.uid).toBe('u')
    expect(reader.get(ref)).not.toHaveProperty('data')
    expect(await reader.read(ref, { owner: 'n/a', token: '7', maxAge: 30_000 }, signal)).toBeDefined()
    expect(state.asked).toBe(0)
    reader.forget('n/a')
    expect(reader.get(ref)).toBeUndefined()
  })

  test('asks once for each of the systems that share a Secret, and again for the one that was edited', async () => {
    const { state, reader } = server(secret({ uri: 'x' }))
    const look = (owner: string, token: string): Promise<unknown> =>
      reader.read(ref, { owner, token, maxAge: Infinity }, signal)
    for (let round = 0; round < 3; round += 1) {
      await look('n/a', '1')
      await look('n/b', '9')
    }
    expect(state.asked).toBe(2)
    await look('n/a', '2')
    await look('n/b', '9')
    expect(state.asked).toBe(3)
  })

  test('keeps what another system still asks for when one is gone', async () => {
    const { state, reader } = server(secret({ uri: 'x' }))
    for (const owner of ['n/a', 'n/b']) await reader.read(ref, { owner, token: '1', maxAge: Infinity }, signal)
    reader.forget('n/a')
    await reader.read(ref, { owner: 'n/b', token: '1', maxAge: Infinity }, signal)
    expect(state.asked).toBe(2)
    reader.forget('n/b')
    expect(reader.known(ref)).toBeUndefined()
  })

  test('does not take an API server that is away for a Secret that is missing', async () => {
    const client = {
      get: () => Promise.reject(new KubeError({ status: 0, reason: 'Unreachable', message: 'no answer' })),
    }
    const reader = secretReader({ client: client as unknown as KubeClient, now: () => 0 })
    await expect(reader.read(ref, { owner: 'n/a', token: '', maxAge: 0 }, signal)).rejects.toThrow('no answer')
  })
})
