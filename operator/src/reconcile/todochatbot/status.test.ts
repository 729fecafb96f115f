import { describe, expect, test } from 'vitest'
import { findCondition, type ConditionType } from '../../api/v1alpha1/conditions.ts'
import { statusSchema, type TodoChatbotStatus } from '../../api/v1alpha1/schema/status.ts'
import { aStatus, anObserved, aPod, notReady, now, type Changes } from '../../../test/support/observed.ts'
import { finding } from '../errors.ts'
import { eventsBetween } from './events.ts'
import { operationDeadline } from './status/operation.ts'

const condition = (status: TodoChatbotStatus, type: ConditionType): string => {
  const found = findCondition(status.conditions, type)
  return `${found?.status ?? 'absent'} ${found?.reason ?? ''}`
}
const installed = (over: Partial<TodoChatbotStatus> = {}): TodoChatbotStatus => ({ ...aStatus(anObserved()), ...over })

describe('a status', () => {
  test('of a system that runs is ready, current and free of complaints', () => {
    const status = aStatus(anObserved())
    expect(statusSchema.safeParse(status).error).toBeUndefined()
    expect(status).toMatchObject({
      observedGeneration: 1,
      phase: 'Ready',
      version: '0.1.0',
      summary: 'Version 0.1.0 runs',
    })
    expect(status.operation).toBeUndefined()
    for (const { type, status: held } of status.conditions ?? []) {
      expect([type, held]).toEqual([
        type,
        ['Reconciling', 'Stalled', 'Degraded', 'Isolated', 'Restoring', 'ScalingLimited', 'Paused'].includes(type)
          ? 'False'
          : 'True',
      ])
    }
    expect(status.conditions?.every(({ observedGeneration }) => observedGeneration === 1)).toBe(true)
  })

  test('that is computed again from the same world is the same', () => {
    const first = aStatus(anObserved())
    const later = anObserved({ bot: { status: first }, seen: { now: now + 60_000 } })
    expect(aStatus(later)).toEqual(first)
  })

  const table: {
    name: string
    changes: Changes
    conditions: Partial<Record<ConditionType, string>>
    phase: string
    blockedBy?: object
  }[] = [
    {
      name: 'a database that starts: not ready yet, nothing wrong',
      changes: {
        live: (live) => ({
          ...live,
          dependencies: { ...live.dependencies, postgresql: notReady(live.dependencies.postgresql!) },
        }),
      },
      conditions: {
        Ready: 'Unknown Starting',
        Reconciling: 'True Starting',
        Stalled: 'False AsExpected',
        DatabaseReady: 'False Starting',
        Degraded: 'False AsExpected',
      },
      phase: 'Installing',
      blockedBy: { rule: 'Starting', object: 'Pod/todo-postgresql-0' },
    },
    {
      name: 'a database that fails later: degraded',
      changes: {
        bot: { status: installed() },
        live: (live) => ({
          ...live,
          dependencies: { ...live.dependencies, postgresql: notReady(live.dependencies.postgresql!) },
        }),
      },
      conditions: { Ready: 'False NotReady', Degraded: 'True NotReady', DatabaseReady: 'False NotReady' },
      phase: 'Degraded',
    },
    {
      name: 'a running migration',
      changes: {
        live: (live) => ({ ...live, migration: { job: { name: 'j', state: 'Running', message: '' }, pods: [] } }),
      },
      conditions: { Ready: 'Unknown Migrating', DatabaseReady: 'False Migrating' },
      phase: 'Installing',
    },
    {
      name: 'a migration that gave up: stalled, with the last words of its pod',
      changes: {
        live: (live) => ({
          ...live,
          migration: {
            job: { name: 'j', state: 'Failed', message: 'BackoffLimitExceeded' },
            pods: [
              aPod('j-1', {
                ready: false,
                containers: [{ name: 'migrate', state: { terminated: { exitCode: 1, message: 'duplicate key' } } }],
              }),
            ],
          },
        }),
      },
      conditions: {
        Ready: 'False MigrationFailed',
        Stalled: 'True MigrationFailed',
        Reconciling: 'False Done',
        DatabaseReady: 'False MigrationFailed',
      },
      phase: 'Stalled',
    },
    {
      name: 'a Secret that is missing',
      changes: {
        seen: {
          secretFindings: {
            database: finding('SecretMissing', 'Secret/db', 'does not exist'),
            stateStore: undefined,
            kafka: undefined,
          },
        },
      },
      conditions: { Ready: 'False SecretMissing', DatabaseReady: 'False SecretMissing', Stalled: 'False AsExpected' },
      phase: 'Installing',
      blockedBy: { rule: 'SecretMissing', object: 'Secret/db' },
    },
    {
      name: 'brokers that do not answer: what is known of the topics is old',
      changes: {
        observed: (seen) => ({
          ...seen,
          topics: { ...seen.topics, report: { pending: false, topics: new Map(), unreachable: 'k:1: refused' } },
        }),
      },
      conditions: {
        Ready: 'False BrokerUnreachable',
        KafkaReady: 'False BrokerUnreachable',
        TopicsReady: 'False Waiting',
      },
      phase: 'Installing',
    },
    {
      name: 'brokers that refuse the login',
      changes: {
        observed: (seen) => ({
          ...seen,
          topics: {
            ...seen.topics,
            report: { pending: false, topics: new Map(), unreachable: 'k:1: no', credentialsRefused: true },
          },
        }),
      },
      conditions: {
        Ready: 'False BrokerCredentialsRefused',
        KafkaReady: 'False BrokerCredentialsRefused',
        TopicsReady: 'False Waiting',
      },
      phase: 'Installing',
    },
    {
      name: 'topics that are being asked for',
      changes: {
        observed: (seen) => ({ ...seen, topics: { ...seen.topics, report: { pending: true, topics: new Map() } } }),
      },
      conditions: { Ready: 'Unknown Checking', KafkaReady: 'Unknown Checking' },
      phase: 'Installing',
    },
    {
      name: 'a topic that another system owns',
      changes: {
        observed: (seen) => ({
          ...seen,
          topics: { ...seen.topics, conflicts: [{ topic: 'task-events', owner: 'other/older' }] },
        }),
      },
      conditions: { Ready: 'False TopicConflict', TopicsReady: 'False TopicConflict', Stalled: 'True TopicConflict' },
      phase: 'Stalled',
    },
    {
      name: 'Dapr that is not installed',
      changes: { observed: (seen) => ({ ...seen, missingKinds: ['Component'] }) },
      conditions: { Ready: 'False DaprNotInstalled', DaprReady: 'False DaprNotInstalled' },
      phase: 'Installing',
    },
    {
      name: 'a pod without a sidecar',
      changes: {
        live: (live) => ({
          ...live,
          workers: {
            ...live.workers,
            audit: { ...live.workers.audit, pods: [aPod('todo-audit-0', { containerNames: ['audit'] })] },
          },
        }),
      },
      conditions: { Ready: 'False SidecarMissing', DaprReady: 'False SidecarMissing', WorkersReady: 'True Ready' },
      phase: 'Installing',
    },
    {
      name: 'settings that a worker refuses',
      changes: {
        bot: { status: installed(), generation: 2 },
        seen: { problems: [{ path: 'spec.services.audit.config.x', message: 'unknown field' }] },
      },
      conditions: {
        Ready: 'False ConfigInvalid',
        ConfigValid: 'False ConfigInvalid',
        Stalled: 'True ConfigInvalid',
        WorkersReady: 'True Ready',
      },
      phase: 'Degraded',
    },
    {
      name: 'a rollout under way',
      changes: {
        bot: { status: installed(), generation: 2 },
        live: (live) => ({
          ...live,
          workers: {
            ...live.workers,
            audit: { ...live.workers.audit, live: { ...live.workers.audit.live!, generation: 2 } },
          },
        }),
      },
      conditions: { Ready: 'Unknown Starting', UpToDate: 'False RollingOut', Degraded: 'False AsExpected' },
      phase: 'Updating',
    },
  ]
  test.each(table)('$name', ({ changes, conditions, phase, blockedBy }) => {
    const status = aStatus(anObserved(changes))
    expect(statusSchema.safeParse(status).error).toBeUndefined()
    for (const [type, want] of Object.entries(conditions))
      expect([type, condition(status, type as ConditionType)]).toEqual([type, want])
    expect(status.phase).toBe(phase)
    expect(status.operation?.blockedBy).toMatchObject(blockedBy ?? {})
  })

  test.each([
    [
      'was not asked yet, as after a restart of the operator, keeps the clock of a rollout',
      undefined,
      '2026-01-01T00:09:00Z',
    ],
    ['is being asked keeps it, too', { pending: true, topics: new Map() }, '2026-01-01T00:09:00Z'],
    ['does not answer stops it', { pending: true, topics: new Map(), unreachable: 'no route to host' }, undefined],
  ])('of brokers that %s', (_what, report, startedAt) => {
    const rollout = { template: 'new', startedAt: '2026-01-01T00:09:00Z', deadline: '2026-01-01T00:14:00Z' }
    const before = installed()
    const observed = anObserved({
      bot: {
        status: {
          ...before,
          services: (before.services ?? []).map((one) => (one.name === 'audit' ? { ...one, rollout } : one)),
        },
        generation: 2,
      },
      live: (live) => {
        const audit = notReady(live.workers.audit)
        const template = { hash: 'new', revision: '2', config: undefined }
        return { ...live, workers: { ...live.workers, audit: { ...audit, live: { ...audit.live!, template } } } }
      },
      observed: (seen) => ({ ...seen, topics: { ...seen.topics, report } }),
    })
    const audit = aStatus(observed).services?.find(({ name }) => name === 'audit')
    expect(audit?.rollout?.startedAt).toBe(startedAt)
  })

  test.each([
    ['keeps the good word of before, as after a restart of the operator', 1, 'True Ready', 'True Ready'],
    ['does not vouch for another spec', 2, 'Unknown Checking', 'False Waiting'],
  ])('of brokers that are being asked %s', (_what, generation, kafka, topics) => {
    const observed = anObserved({
      bot: { status: installed(), generation },
      observed: (seen) => ({ ...seen, topics: { ...seen.topics, report: undefined } }),
    })
    const status = aStatus(observed)
    expect([condition(status, 'KafkaReady'), condition(status, 'TopicsReady')]).toEqual([kafka, topics])
  })

  test('of a shrunken topic is not ready, although everything keeps running', () => {
    const observed = anObserved({
      bot: { status: installed() },
      spec: { kafka: { topics: { taskEvents: { partitions: 1 } } } },
      observed: (seen) => {
        const held = {
          name: 'task-events',
          state: 'ShrinkRefused',
          partitions: 3,
          replicationFactor: 1,
          message: 'has 3',
        } as const
        return {
          ...seen,
          topics: {
            ...seen.topics,
            report: { pending: false, topics: new Map([...(seen.topics.report?.topics ?? []), ['task-events', held]]) },
          },
        }
      },
    })
    const status = aStatus(observed)
    expect(condition(status, 'TopicsReady')).toBe('False TopicShrinkRefused')
    expect(condition(status, 'WorkersReady')).toBe('True Ready')
    expect(status.operation?.step).toBe('Rollout')
    expect(status.topics).toContainEqual({
      alias: 'taskEvents',
      name: 'task-events',
      state: 'ShrinkRefused',
      partitions: 3,
      replicationFactor: 1,
      message: 'has 3',
    })
  })

  test('names the first object that is held, and what it waits for', () => {
    const observed = anObserved({
      live: (live) => ({ ...live, dependencies: { ...live.dependencies, redis: notReady(live.dependencies.redis!) } }),
    })
    const status = aStatus(observed, { outdated: ['Deployment/todo-audit', 'Deployment/todo-chat-api'] })
    const message = findCondition(status.conditions, 'UpToDate')?.message
    expect(message).toContain('Deployment/todo-audit: waits, and 1 more, for Pod/todo-redis-0')
  })

  test('keeps version and start of the operation until the new generation is there, and becomes stalled when it takes too long', () => {
    const changes: Changes = {
      bot: { status: installed(), generation: 2 },
      live: (live) => ({ ...live, migration: { job: undefined, pods: [] } }),
    }
    const first = aStatus(anObserved(changes))
    expect(first).toMatchObject({ version: '0.1.0', operation: { id: 'Recover-2', startedAt: '2026-01-01T00:10:00Z' } })
    const late = anObserved({
      ...changes,
      bot: { status: first, generation: 2 },
      seen: { now: now + operationDeadline },
    })
    const second = aStatus(late)
    expect(second.operation?.startedAt).toBe(first.operation?.startedAt)
    expect(condition(second, 'Stalled')).toBe('True DeadlineExceeded')
  })

  test('says who paused, and that changes wait for it', () => {
    const paused = { reason: 'inventory', by: 'ada', until: '2026-01-02T00:00:00Z' }
    const observed = anObserved({
      bot: { status: installed(), generation: 2 },
      spec: { paused },
      seen: { paused: true },
    })
    const status = aStatus(observed, { outdated: ['Deployment/todo-audit'] })
    expect(condition(status, 'Paused')).toBe('True Paused')
    expect(condition(status, 'UpToDate')).toBe('False Paused')
    expect(status).toMatchObject({ phase: 'Paused' })
    expect(status.summary).toContain('paused by ada until 2026-01-02T00:00:00Z: inventory')
  })
})

describe('events', () => {
  test('tell of the installation once', () => {
    const before = aStatus(anObserved({ live: (live) => ({ ...live, migration: { job: undefined, pods: [] } }) }))
    const after = aStatus(anObserved({ bot: { status: before } }))
    expect(eventsBetween(before, after).map(({ reason }) => reason)).toEqual(['Installed'])
    expect(eventsBetween(after, after)).toEqual([])
  })

  test('tell of a problem when it begins, not every time it is seen, and not of mere progress', () => {
    const broken = aStatus(
      anObserved({
        bot: { status: installed() },
        observed: (seen) => ({
          ...seen,
          topics: { ...seen.topics, report: { pending: false, topics: new Map(), unreachable: 'k:1: refused' } },
        }),
      }),
    )
    expect(eventsBetween(installed(), broken)).toEqual([
      expect.objectContaining({
        type: 'Warning',
        reason: 'BrokerUnreachable',
        note: expect.stringContaining('k:1: refused'),
      }),
    ])
    expect(eventsBetween(broken, broken)).toEqual([])
    expect(eventsBetween(broken, installed()).map(({ reason }) => reason)).toEqual(['Ready'])
  })
})
