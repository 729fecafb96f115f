import { expect } from 'vitest'
import type { KubeObject } from '../../src/api/v1alpha1/kubernetes.ts'
import { specSchema } from '../../src/api/v1alpha1/todochatbot.ts'
import type { TodoChatbot, TodoChatbotSpecInput } from '../../src/api/v1alpha1/todochatbot.ts'
import type { DesiredObject, Facts } from '../../src/desired/types.ts'

/** A TodoChatbot as the API server returns it, from a spec as an admin writes it. */
export const aTodoChatbot = (
  spec: TodoChatbotSpecInput = {},
  metadata: Partial<TodoChatbot['metadata']> = {},
): TodoChatbot => ({
  apiVersion: 'todochatbot.dev/v1alpha1',
  kind: 'TodoChatbot',
  metadata: {
    name: 'todo',
    namespace: 'todo-app',
    uid: '5c5d1d0e-0000-4000-8000-000000000001',
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
    ...metadata,
  },
  spec: specSchema.parse(spec),
})

/** A spec that runs nothing but the workers inside the cluster. */
export const externalSpec = {
  kafka: { mode: 'External', bootstrapServers: ['kafka.example.com:9092'] },
  database: { mode: 'External', secretRef: { name: 'my-database', ownerKey: 'ownerUri' } },
  stateStore: { mode: 'External', host: 'redis.example.com:6379', secretRef: { name: 'my-redis' } },
} as const satisfies TodoChatbotSpecInput

/** Facts of an operator 0.1.0 that has read no Secret. */
export const someFacts = (facts: Partial<Facts> = {}): Facts => ({
  operatorVersion: '0.1.0',
  images: {
    workers: 'docker.io/todochatbot/workers:0.1.0',
    kafka: 'docker.io/todochatbot/kafka:0.1.0',
    postgresql: 'docker.io/todochatbot/postgresql:0.1.0',
    backup: 'docker.io/todochatbot/backup:0.1.0',
    redis: 'docker.io/todochatbot/redis:0.1.0',
  },
  credentials: {
    ownerPassword: 'secret-owner',
    appPassword: 'secret-app',
    redisPassword: 'secret-redis',
    jwtKey: 'secret-jwt',
    serviceToken: 'secret-service',
    appToken: 'secret-app',
  },
  secretHashes: {},
  scale: { live: {}, partitions: {}, keda: false },
  active: { debug: [], boost: [] },
  ...facts,
})

/** The object of a kind and name; fails the test when there is none. */
export const find = (objects: readonly DesiredObject[], kind: string, name: string): KubeObject => {
  const found = objects.find(({ object }) => object.kind === kind && object.metadata.name === name)
  expect(found, `${kind}/${name} among the desired objects`).toBeDefined()
  return (found as DesiredObject).object
}
