import { describe, expect, test } from 'vitest'
import { aTodoChatbot, externalSpec, find, someFacts } from '../../test/support/builders.ts'
import type { TodoChatbotSpecInput } from '../api/v1alpha1/todochatbot.ts'
import { desire, referencedSecrets } from './index.ts'
import type { Facts } from './types.ts'

interface StatefulSetSpec {
  readonly serviceName: string
  readonly persistentVolumeClaimRetentionPolicy: unknown
  readonly volumeClaimTemplates: readonly {
    readonly spec: unknown
    readonly metadata: { readonly labels: Record<string, string> }
  }[]
  readonly template: {
    readonly metadata: { readonly annotations?: Record<string, string> }
    readonly spec: {
      readonly containers: readonly [
        { readonly env?: readonly { name: string; value: string }[]; readonly args?: readonly string[] },
      ]
    }
  }
}

const set = (name: string, spec: TodoChatbotSpecInput = {}, facts: Facts = someFacts()): StatefulSetSpec =>
  find(desire(aTodoChatbot(spec), facts), 'StatefulSet', name)['spec'] as StatefulSetSpec

const dependencies = ['todo-kafka', 'todo-postgresql', 'todo-redis'] as const

describe('an Embedded dependency', () => {
  test.each(dependencies)('%s keeps its volume when the resource is deleted, unless told otherwise', (name) => {
    expect(set(name).persistentVolumeClaimRetentionPolicy).toEqual({ whenDeleted: 'Retain', whenScaled: 'Retain' })
    const deletionPolicy = 'Delete' as const
    const spec = { kafka: { deletionPolicy }, database: { deletionPolicy }, stateStore: { deletionPolicy } }
    expect(set(name, spec).persistentVolumeClaimRetentionPolicy).toEqual({
      whenDeleted: 'Delete',
      whenScaled: 'Retain',
    })
  })

  test.each(dependencies)(
    '%s has the same claim template whatever version and profile: the API server refuses changes there',
    (name) => {
      const claims = (spec: TodoChatbotSpecInput) => set(name, spec).volumeClaimTemplates
      expect(claims({ version: '0.9.0', profile: 'Production' })).toEqual(claims({}))
    },
  )

  test.each(dependencies)('%s is not restarted by another version, image or configuration of the workers', (name) => {
    const spec = { version: '0.9.0', images: { workers: { tag: 'x' } }, services: { audit: { replicas: 3 } } }
    expect(set(name, spec).template).toEqual(set(name).template)
  })

  test.each(dependencies)('%s is replaced when it could not start and its template was corrected', (name) =>
    expect(set(name)).toMatchObject({ podManagementPolicy: 'Parallel' }),
  )

  test('asks for the volume the spec names, in canonical form', () => {
    const [claim] = set('todo-postgresql', {
      database: { storage: { size: '1024Mi', storageClassName: 'fast' } },
    }).volumeClaimTemplates
    expect(claim?.spec).toEqual({
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
      storageClassName: 'fast',
    })
  })

  test.each(dependencies)('%s is gone in External mode', (name) => {
    const ids = desire(aTodoChatbot(externalSpec), someFacts()).map(
      ({ object }) => `${object.kind}/${object.metadata.name}`,
    )
    for (const kind of ['StatefulSet', 'Service', 'ServiceAccount', 'Secret'])
      expect(ids).not.toContain(`${kind}/${name}`)
  })

  test('rolls when its Secret was lost and made anew, so that the passwords in force are those of the Secret', () => {
    const annotations = (hash: string) =>
      set('todo-postgresql', {}, someFacts({ secretHashes: { 'todo-database': hash } })).template.metadata.annotations
    expect(annotations('1')).not.toEqual(annotations('2'))
  })
})

test('Kafka is advertised under its Service and gets half of its memory as heap', () => {
  const env = Object.fromEntries(
    (set('todo-kafka').template.spec.containers[0].env ?? []).map(({ name, value }) => [name, value]),
  )
  expect(env).toMatchObject({ KAFKA_ADVERTISED_HOST: 'todo-kafka.todo-app.svc', KAFKA_HEAP: '384m' })
  const large = set('todo-kafka', { kafka: { resources: { limits: { memory: '4Gi' } } } })
  expect(large.template.spec.containers[0].env).toContainEqual({ name: 'KAFKA_HEAP', value: '2048m' })
})

test('Kafka keeps its cluster id for ever, and two systems have two', () => {
  const id = (bot: ReturnType<typeof aTodoChatbot>) =>
    (find(desire(bot, someFacts()), 'StatefulSet', 'todo-kafka')['spec'] as StatefulSetSpec).template.spec.containers[0]
      .env?.[0]?.value
  expect(id(aTodoChatbot({ profile: 'Staging' }, { uid: 'other' }))).toBe(id(aTodoChatbot()))
  expect(id(aTodoChatbot({}, { namespace: 'elsewhere' }))).not.toBe(id(aTodoChatbot()))
})

test('Redis refuses writes before its container runs out of memory', () =>
  expect(set('todo-redis').template.spec.containers[0].args).toEqual([
    '--maxmemory',
    String(Math.floor(128 * 1024 ** 2 * 0.6)),
  ]))

describe('credentials', () => {
  const secret = (name: string, facts = someFacts()) =>
    find(desire(aTodoChatbot(), facts), 'Secret', name) as unknown as { readonly stringData: Record<string, string> }

  test('hold the keys that are referenced', () => {
    for (const { name, keys } of referencedSecrets(aTodoChatbot()))
      expect(Object.keys(secret(name).stringData).toSorted()).toEqual(keys.toSorted())
  })

  test('give the migrations another role than the workers', () => {
    const facts = someFacts()
    const odd = someFacts({ credentials: { ...facts.credentials, appPassword: 'a/b@c' } })
    expect(secret('todo-database', odd).stringData).toMatchObject({
      ownerUri: 'postgresql://todo_owner:secret-owner@todo-postgresql.todo-app.svc:5432/todo',
      uri: 'postgresql://todo_app:a%2Fb%40c@todo-postgresql.todo-app.svc:5432/todo',
    })
  })

  test('of External dependencies are the admin’s: named with the keys they must hold and the field that names them', () =>
    expect(referencedSecrets(aTodoChatbot(externalSpec))).toEqual([
      { name: 'todo-auth', keys: ['jwtKey', 'serviceToken'] },
      { name: 'todo-app-token', keys: ['token'] },
      { field: 'spec.database.secretRef', name: 'my-database', keys: ['uri', 'ownerUri'] },
      { field: 'spec.stateStore.secretRef', name: 'my-redis', keys: ['password'] },
    ]))
})
