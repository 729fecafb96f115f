import { afterAll, beforeAll, expect, it } from 'vitest'
import { apiClient } from '../api-client.ts'
import type { ApiClient } from '../api-client.ts'
import { startControlPlane } from '../isolated-control-plane.ts'
import type { IsolatedControlPlane } from '../isolated-control-plane.ts'
import { waitFor } from '../waiting.ts'
import { watchList } from './watched-list.ts'

interface ConfigMap {
  readonly metadata: { readonly name: string; readonly namespace: string }
  readonly data?: Readonly<Record<string, string>>
}

let plane: IsolatedControlPlane
let client: ApiClient
const ending = new AbortController()
beforeAll(async () => {
  plane = await startControlPlane()
  client = await apiClient(plane.kubeconfigPath)
})
afterAll(async () => {
  ending.abort()
  await client.close()
  await plane.stop()
})

const PATH = '/api/v1/namespaces/kube-system/configmaps'

it('follows what is created, changed and deleted, also after the API server was away', async () => {
  const errors: unknown[] = []
  await waitFor('kube-system', () => client.call('GET', '/api/v1/namespaces/kube-system'), { timeout: 30_000 })
  const list = watchList<ConfigMap>(
    client,
    '/api/v1/configmaps',
    ending.signal,
    () => undefined,
    (error) => errors.push(error),
  )
  const value = (name: string): string | undefined =>
    list.items()?.find(({ metadata }) => metadata.name === name)?.data?.['value']
  const seen = (name: string, wanted: string | undefined): Promise<true> =>
    waitFor(`${name} is ${String(wanted)}`, () => (value(name) === wanted ? true : undefined), { timeout: 30_000 })
  const create = (name: string): Promise<unknown> =>
    client.call('POST', PATH, { metadata: { name }, data: { value: '1' } })

  await create('first')
  await seen('first', '1')
  await client.call('PATCH', `${PATH}/first`, { data: { value: '2' } }, 'application/merge-patch+json')
  await seen('first', '2')

  await plane.killApiServer()
  await waitFor('an error', () => (errors.length > 0 ? true : undefined), { timeout: 30_000 })
  expect(value('first')).toBe('2')
  await plane.restartApiServer()
  await create('second')
  await seen('second', '1')

  await client.call('DELETE', `${PATH}/first`)
  await seen('first', undefined)
})
