import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { labelsFor } from '../../api/v1alpha1/labels.ts'
import type { KubeObject } from '../../kube/object.ts'
import { agedOut, isAbandoned, mayDelete, unusedTopics } from './leftovers.ts'

const now = Date.parse('2026-01-02T00:00:00Z')
const hour = 3_600_000
const census = (all: string[], over: object = {}) => ({
  all,
  prefix: 'p.',
  own: false,
  used: new Set(['p.task-events']),
  otherPrefixes: [] as string[],
  ...over,
})

describe('topics that nobody uses', () => {
  test.each([
    ['one with the prefix, used by nobody', ['p.old'], {}, ['p.old']],
    ['one that is used', ['p.task-events'], {}, []],
    ['one of somebody else', ['q.old'], {}, []],
    ['one of another system whose prefix begins with ours', ['p.x.old'], { otherPrefixes: ['p.x.'] }, []],
    ['an internal one of Kafka', ['__consumer_offsets'], { prefix: '', own: true }, []],
    ['any, on a shared Kafka without a prefix', ['old'], { prefix: '' }, []],
    ['any, on an own Kafka without a prefix', ['old'], { prefix: '', own: true }, ['old']],
  ])('%s', (_what, all, over, expected) => {
    expect(unusedTopics(census(all, over)).map(({ name }) => name)).toEqual(expected)
  })

  test('those that may hold events of ours are told apart', () =>
    expect(unusedTopics(census(['p.v2.task-events', 'p.v2.task-events.dlq', 'p.old']))).toEqual([
      { name: 'p.old', holdsData: false },
      { name: 'p.v2.task-events', holdsData: true },
      { name: 'p.v2.task-events.dlq', holdsData: true },
    ]))

  test('never one that is used or lacks the prefix, whatever there is', () =>
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 8 })),
        fc.array(fc.string({ maxLength: 8 })),
        fc.string({ maxLength: 3 }),
        (all, used, prefix) => {
          for (const { name } of unusedTopics(census([...all, ...used], { prefix, used: new Set(used) }))) {
            expect(used).not.toContain(name)
            expect(prefix.length > 0 && name.startsWith(prefix)).toBe(true)
          }
        },
      ),
    ))
})

describe('objects that nobody controls', () => {
  const object = (over: Partial<KubeObject['metadata']> = {}): KubeObject => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'x', namespace: 'n', labels: labelsFor('todo', 'audit', 'worker', '0.1.0'), ...over },
  })
  test.each([
    ['all of our labels and no owner', object(), true],
    ['the labels of another system', object({ labels: labelsFor('other', 'audit', 'worker', '0.1.0') }), false],
    [
      'the label of another manager',
      object({ labels: { ...object().metadata.labels, 'app.kubernetes.io/managed-by': 'Helm' } }),
      false,
    ],
    ['no labels', object({ labels: {} }), false],
    [
      'an owner',
      object({ ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u', controller: true }] }),
      false,
    ],
    ['a deletion under way', object({ deletionTimestamp: '2026-01-01T00:00:00Z' }), false],
  ])('with %s', (_what, candidate, expected) => expect(isAbandoned(candidate, 'todo')).toBe(expected))
})

describe('what has ended', () => {
  const pod = (phase: string, finishedAt: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: phase, namespace: 'n', creationTimestamp: '2026-01-01T00:00:00Z' },
    status: { phase, containerStatuses: [{ state: { terminated: { finishedAt } } }] },
  })
  const job = (type: string, at: string): KubeObject => ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: type, namespace: 'n' },
    status: { conditions: [{ type, status: 'True', lastTransitionTime: at }] },
  })
  test('goes by the time it ended; what runs stays', () => {
    const pods = [pod('Failed', '2026-01-01T12:00:00Z'), pod('Running', '2026-01-01T00:00:00Z')]
    const jobs = [job('Complete', '2026-01-01T12:00:00Z'), job('Suspended', '2026-01-01T00:00:00Z')]
    const names = (hours: number) =>
      agedOut({ pods, jobs }, { failedPods: hours * hour, finishedJobs: hours * hour }, now).map(
        ({ metadata }) => metadata.name,
      )
    expect(names(11)).toEqual(['Failed', 'Complete'])
    expect(names(13)).toEqual([])
  })
})

describe('nothing is deleted that was not reported an interval before', () => {
  const reported = (since: string, deletedBy: 'CleanUp' | 'Nobody' = 'CleanUp') => [
    { object: 'Topic/x', since, deletedBy },
  ]
  test.each([
    ['never', undefined, false],
    [
      'something else was',
      [{ object: 'Topic/y', since: '2026-01-01T00:00:00Z', deletedBy: 'CleanUp' as const }],
      false,
    ],
    ['just now', reported('2026-01-01T23:59:00Z'), false],
    ['an interval ago', reported('2026-01-01T23:00:00Z'), true],
    ['an interval ago, when the policy only reported', reported('2026-01-01T23:00:00Z', 'Nobody'), false],
  ])('reported: %s', (_what, leftovers, expected) => expect(mayDelete('Topic/x', leftovers, hour, now)).toBe(expected))
})
