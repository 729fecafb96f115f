import { beforeEach, describe, expect, test } from 'vitest'
import { aTodoChatbot } from '../../../test/support/builders.ts'
import { anObserved, now } from '../../../test/support/observed.ts'
import { labelsFor } from '../../api/v1alpha1/labels.ts'
import type { Leftover } from '../../api/v1alpha1/schema/status.ts'
import type { TodoChatbotSpecInput } from '../../api/v1alpha1/todochatbot.ts'
import type { KubeObject } from '../../kube/object.ts'
import { cleanup } from './cleanup.ts'

const abandoned: KubeObject = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'old', namespace: 'todo-app', uid: 'u1', labels: labelsFor('todo', 'audit', 'worker', '0.1.0') },
}
const evicted: KubeObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    ...abandoned.metadata,
    name: 'audit-1',
    uid: 'u2',
    creationTimestamp: '2025-12-01T00:00:00Z',
  },
  status: { phase: 'Failed', reason: 'Evicted' },
}

const incident = (name: string, finishedAt: string, owner = aTodoChatbot().metadata.uid): KubeObject => ({
  apiVersion: 'todochatbot.dev/v1alpha1',
  kind: 'Incident',
  metadata: {
    ...{ name, namespace: 'todo-app', uid: name },
    ownerReferences: [{ apiVersion: 'v1', kind: 'TodoChatbot', name: 'todo', uid: owner, controller: true }],
  },
  status: { phase: 'Succeeded', finishedAt },
})
const incidents = [
  incident('ancient', '2025-11-01T00:00:00Z'),
  incident('recent', '2025-12-31T00:00:00Z'),
  incident('of-another', '2025-11-01T00:00:00Z', 'other'),
]

let deleted: string[]
beforeEach(() => {
  deleted = []
})

/** One round, with what the status said before. */
const round = async (
  policy: NonNullable<NonNullable<TodoChatbotSpecInput['maintenance']>['cleanup']>,
  leftovers: Leftover[] = [],
  paused = false,
) => {
  const observed = anObserved({
    spec: { maintenance: { cleanup: policy } },
    bot: { status: { observedGeneration: 1, leftovers } },
    seen: { paused },
  })
  const family = cleanup({
    client: {
      delete: (_kind, { name }, options) => {
        deleted.push(`${name} ${options?.uid ?? ''}`)
        return Promise.resolve(undefined)
      },
    },
    objects: (kind) => [abandoned, evicted, ...incidents].filter((object) => object.kind === kind),
    secretExists: () => Promise.resolve(false),
    topics: () =>
      Promise.resolve({
        all: ['scratch', 'v1.task-events'],
        prefix: '',
        own: true,
        used: new Set<string>(),
        otherPrefixes: [],
      }),
    removeTopics: (_connection, topics) => {
      deleted.push(...topics)
      return Promise.resolve()
    },
    deleteEvents: () => Promise.resolve(0),
    onDeleted: () => undefined,
  })
  return family.check({ key: 'todo-app/todo', observed, desired: [] }, new AbortController().signal)
}

const everything = { orphanTopics: 'Delete', orphanObjects: 'Delete' } as const
const longAgo = (leftovers: readonly Leftover[]): Leftover[] =>
  leftovers.map((leftover) => ({ ...leftover, since: new Date(now - 3_600_000).toISOString() }))

describe('the clean-up', () => {
  test('reports first and deletes nothing, then what was reported an interval ago, by uid', async () => {
    const { leftovers = [] } = await round(everything)
    expect(deleted).toEqual([])
    expect(leftovers.map(({ object, deletedBy }) => `${object} ${deletedBy}`).toSorted()).toEqual([
      'ConfigMap/old CleanUp',
      'Incident/ancient CleanUp',
      'Pod/audit-1 CleanUp',
      'Topic/scratch CleanUp',
      'Topic/v1.task-events Nobody',
    ])
    expect((await round(everything, [...leftovers])).leftovers).toHaveLength(5)
    expect(deleted).toEqual([])
    const after = await round(everything, longAgo(leftovers))
    expect(deleted.toSorted()).toEqual(['ancient ancient', 'audit-1 u2', 'old u1', 'scratch'])
    expect(after.leftovers?.map(({ object }) => object)).toEqual(['Topic/v1.task-events'])
  })

  test('deletes nothing while the system is paused', async () => {
    const { leftovers = [] } = await round(everything)
    await round(everything, longAgo(leftovers), true)
    expect(deleted).toEqual([])
  })

  test('deletes nothing that was reported under a policy that only reports', async () => {
    const { leftovers = [] } = await round({
      orphanTopics: 'Report',
      orphanObjects: 'Report',
      failedPods: '365d',
      incidents: '365d',
    })
    expect(leftovers.every(({ deletedBy }) => deletedBy === 'Nobody')).toBe(true)
    await round({ ...everything, failedPods: '365d', incidents: '365d' }, longAgo(leftovers))
    expect(deleted).toEqual([])
  })

  test('looks for nothing where the policy says Ignore', async () => {
    const { leftovers } = await round({
      orphanTopics: 'Ignore',
      orphanObjects: 'Ignore',
      failedPods: '365d',
      incidents: '365d',
    })
    expect(leftovers).toEqual([])
  })
})
