import { describe, expect, test } from 'vitest'
import { aTodoChatbot, externalSpec, find, someFacts } from '../../test/support/builders.ts'
import type { TodoChatbotSpecInput } from '../api/v1alpha1/todochatbot.ts'
import { desire } from './index.ts'
import type { Facts } from './types.ts'

interface PodTemplate {
  readonly metadata: { readonly annotations: Record<string, string>; readonly labels: Record<string, string> }
  readonly spec: Record<string, unknown> & {
    readonly containers: readonly Record<string, unknown>[]
    readonly volumes: readonly {
      readonly name: string
      readonly projected?: { readonly sources: readonly unknown[] }
    }[]
  }
}

const deployment = (spec: TodoChatbotSpecInput, name = 'todo-audit', facts?: Facts, annotations = {}) =>
  find(desire(aTodoChatbot(spec, { annotations }), facts ?? someFacts()), 'Deployment', name) as unknown as {
    readonly spec: { readonly replicas: number; readonly template: PodTemplate; readonly strategy: unknown }
  }

const template = (...args: Parameters<typeof deployment>): PodTemplate => deployment(...args).spec.template

/** Whether two specs lead to pods of the same template, that is, to no restart. */
const restarts = (before: TodoChatbotSpecInput, after: TodoChatbotSpecInput, name = 'todo-audit'): boolean =>
  JSON.stringify(template(before, name)) !== JSON.stringify(template(after, name))

describe('an edit restarts a worker', () => {
  test.each<[string, TodoChatbotSpecInput, boolean]>([
    ['when a setting changes that counts at the start', { database: { statementTimeout: '9s' } }, true],
    ['not when a hot-reloadable setting changes', { services: { audit: { config: { verifyBatchSize: 50 } } } }, false],
    ['when its image changes', { services: { audit: { image: { tag: 'x' } } } }, true],
    ['when its resources change', { services: { audit: { resources: { limits: { memory: '1Gi' } } } } }, true],
    ['when the pool changes', { database: { pool: { max: 7 } } }, true],
    ['when the retry policy of its sidecar changes', { dapr: { resiliency: { maxRetries: 9 } } }, true],
    ['when restartedAt changes', { services: { audit: { restartedAt: '2026-01-01T00:00:00Z' } } }, true],
    ['not when only its log level changes', { services: { audit: { logLevel: 'error' } } }, false],
    ['not when it is scaled', { services: { audit: { replicas: 3 } } }, false],
    ['not when a deletion policy changes', { kafka: { deletionPolicy: 'Delete' } }, false],
    ['not when a topic grows', { kafka: { topics: { taskEvents: { partitions: 9, retention: '14d' } } } }, false],
    [
      'not when another worker is configured',
      { services: { chatApi: { config: { bodyLimit: 2048 }, restartedAt: '1' } } },
      false,
    ],
    ['not when the system is paused', { paused: { reason: 'a', by: 'b', until: '2026-01-01T00:00:00Z' } }, false],
  ])('%s', (_what, spec, expected) => expect(restarts({}, spec)).toBe(expected))

  test('when a setting of its own changes that is not hot-reloadable', () =>
    expect(restarts({}, { services: { chatApi: { config: { bodyLimit: 2048 } } } }, 'todo-chat-api')).toBe(true))

  test('when a boost begins and when it ends, and not because it is written down', () => {
    const boost = { cpu: '1', memory: '2Gi', reason: 'month end', until: '2026-12-01T00:00:00Z' }
    const of = (active: boolean) =>
      template(
        { services: { audit: { boost } } },
        'todo-audit',
        someFacts({ active: { debug: [], boost: active ? ['audit'] : [] } }),
      )
    expect(of(false)).toEqual(template({}))
    expect(of(true).spec.containers[0]).toMatchObject({
      resources: { requests: { cpu: '1', memory: '2Gi' }, limits: { memory: '2Gi' } },
    })
  })

  test('not when the state store it does not use changes', () => {
    const external = (host: string) => ({ ...externalSpec, stateStore: { mode: 'External' as const, host } })
    expect(restarts(external('a:1'), external('b:1'), 'todo-audit')).toBe(false)
    expect(restarts(external('a:1'), external('b:1'), 'todo-chat-api')).toBe(true)
  })

  test('when a Secret it reads at start has other content', () => {
    const at = (hash: string) =>
      template(externalSpec, 'todo-audit', someFacts({ secretHashes: { 'my-database': hash } })).metadata.annotations
    expect(at('1')['todochatbot.dev/secret-hash']).not.toBe(at('2')['todochatbot.dev/secret-hash'])
    expect(template(externalSpec).metadata.annotations).not.toHaveProperty(['todochatbot.dev/secret-hash'])
  })

  test('without telling a reader of pods whether a guessed password is right: a random key is mixed in', () => {
    const at = (auth: string) =>
      template(
        externalSpec,
        'todo-notification',
        someFacts({ secretHashes: { 'my-database': '1', 'todo-auth': auth } }),
      )
    expect(at('a').metadata.annotations['todochatbot.dev/secret-hash']).not.toBe(
      at('b').metadata.annotations['todochatbot.dev/secret-hash'],
    )
  })

  test.each(['todochatbot.dev/restart', 'kubectl.kubernetes.io/restartedAt'])(
    'when %s is set on the resource',
    (key) => {
      const { annotations } = template({}, 'todo-audit', undefined, { [key]: '2026-01-01' }).metadata
      expect(annotations['todochatbot.dev/restarted-at']).toBe('2026-01-01')
      // kubectl rollout restart on the Deployment owns that key of the template: ours would undo it.
      expect(annotations).not.toHaveProperty(['kubectl.kubernetes.io/restartedAt'])
    },
  )
})

describe('the pods of a worker', () => {
  test('run the program of the worker', () =>
    expect(template({}, 'todo-recurring-task').spec.containers).toMatchObject([
      {
        name: 'recurring-task',
        image: 'docker.io/todochatbot/workers:0.1.0',
        command: ['node', '/app/recurring-task.mjs'],
        ports: [{ containerPort: 3001 }],
      },
    ]))

  test('are replaced one by one, never fewer than asked for', () =>
    expect(deployment({}).spec.strategy).toEqual({
      type: 'RollingUpdate',
      rollingUpdate: { maxUnavailable: 0, maxSurge: 1 },
    }))

  test('have time to drain: preStop, worker and sidecar fit into the grace period', () => {
    const { spec, metadata } = template({})
    const sleep = (spec.containers[0] as { lifecycle: { preStop: { sleep: { seconds: number } } } }).lifecycle.preStop
      .sleep.seconds
    const sidecar =
      parseInt(metadata.annotations['dapr.io/block-shutdown-duration'] ?? '') +
      Number(metadata.annotations['dapr.io/graceful-shutdown-seconds'])
    expect(spec['terminationGracePeriodSeconds']).toBeGreaterThanOrEqual(45)
    expect(spec['terminationGracePeriodSeconds']).toBeGreaterThan(sleep + 20)
    expect(spec['terminationGracePeriodSeconds']).toBeGreaterThan(sidecar)
  })

  test('are spread over nodes when there are several, without insisting', () =>
    expect(template({}).spec['topologySpreadConstraints']).toMatchObject([
      { topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' },
    ]))

  test.each([
    ['todo-chat-api', ['databaseUri', 'jwtKey']],
    ['todo-audit', ['databaseUri', 'jwtKey', 'serviceToken', 'appToken']],
    ['todo-recurring-task', ['databaseUri', 'appToken']],
    ['todo-notification', ['databaseUri', 'appToken']],
  ])('%s sees the secrets it uses and no other, as files', (name, files) => {
    const { volumes, containers } = template({}, name).spec
    const sources = volumes.find((volume) => volume.name === 'secrets')?.projected?.sources as {
      secret: { items: { path: string }[] }
    }[]
    expect(sources.flatMap(({ secret }) => secret.items.map(({ path }) => path))).toEqual(files)
    expect(JSON.stringify(containers)).not.toMatch(/secretKeyRef|envFrom/)
  })

  test('follow a system to zero', () =>
    expect(deployment({ services: { audit: { replicas: 0 } } }).spec.replicas).toBe(0))

  test('take the connection string of an External database from the key the spec names', () => {
    const spec = { ...externalSpec, database: { mode: 'External' as const, secretRef: { name: 'pg', key: 'url' } } }
    expect(template(spec).spec.volumes.find(({ name }) => name === 'secrets')?.projected?.sources[0]).toEqual({
      secret: { name: 'pg', items: [{ key: 'url', path: 'databaseUri' }] },
    })
  })

  test('use the pull secrets of the spec', () =>
    expect(template({ images: { pullSecrets: [{ name: 'mirror' }] } }).spec['imagePullSecrets']).toEqual([
      { name: 'mirror' },
    ]))
})

describe('the sidecar of a worker', () => {
  const { annotations } = template({ dapr: { logLevel: 'warn', appMaxConcurrency: 8 } }).metadata

  test('is told who it serves', () =>
    expect(annotations).toMatchObject({
      'dapr.io/enabled': 'true',
      'dapr.io/app-id': 'todo-audit',
      'dapr.io/app-token-secret': 'todo-app-token',
      'dapr.io/app-port': '3003',
      'dapr.io/config': 'todo-config',
      'dapr.io/log-level': 'warn',
      'dapr.io/app-max-concurrency': '8',
    }))

  test('rests its subscriptions while the worker is not ready', () =>
    expect(annotations).toMatchObject({
      'dapr.io/enable-app-health-check': 'true',
      'dapr.io/app-health-check-path': '/readyz',
    }))

  test('contacts no placement, no scheduler and no Kubernetes Secrets', () =>
    expect(annotations).toMatchObject({
      'dapr.io/placement-host-address': '',
      'dapr.io/scheduler-host-address': '',
      'dapr.io/disable-builtin-k8s-secret-store': 'true',
    }))
})
