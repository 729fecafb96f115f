import { expect, test } from 'vitest'
import { replaySpecSchema, type Replay, type ReplayPhase, type ReplaySpec } from '../../api/v1alpha1/replay.ts'
import type { JobView, PodView } from '../todochatbot/views.ts'
import { decide, type Decision, type ReplaySeen, type Rival } from './decide.ts'

const at = (second: number): string => new Date(Date.UTC(2026, 0, 1, 12, 0, second)).toISOString()
const now = Date.parse(at(30))

const replay = (over: { spec?: Partial<ReplaySpec>; phase?: ReplayPhase; deadline?: string } = {}): Replay => ({
  metadata: { name: 'mine', namespace: 'ns', uid: 'u-1', generation: 1, creationTimestamp: at(10) },
  spec: { ...replaySpecSchema.parse({ system: 'todo', worker: 'notification', topic: 'taskEvents' }), ...over.spec },
  status: {
    observedGeneration: 1,
    phase: over.phase ?? 'Pending',
    startedAt: at(10),
    deadline: over.deadline ?? at(600),
  },
})
const job = (state: JobView['state']): JobView => ({ name: 'mine-replay', state, message: '' })
const pod = (phase: string): PodView => ({
  name: 'mine-replay-x',
  labels: {},
  createdAt: at(11),
  terminating: false,
  phase,
  ready: false,
  conditions: [],
  containerNames: ['replay'],
  containers: [],
})
const rival = (over: Partial<Rival> = {}): Rival => ({
  name: 'other',
  createdAt: at(20),
  active: false,
  willing: true,
  ...over,
})
const seen = (over: Partial<ReplaySeen> = {}): ReplaySeen => ({
  replay: replay(),
  job: undefined,
  jobLeaving: false,
  pods: [],
  obstacle: undefined,
  others: [],
  now,
  ...over,
})
const isolation = { line: 'waits until the isolation of notification ends', interrupts: true }
const backup = { line: 'waits until Backup/nightly ends', interrupts: false }
const runs = { job: job('Running'), pods: [pod('Running')] }

test.each<[string, Partial<ReplaySeen>, Partial<Decision>]>([
  ['a new one begins', { replay: { ...replay(), status: { observedGeneration: -1 } } }, { do: 'begin' }],
  ['one with nothing in the way starts', {}, { do: 'start' }],
  ['one that runs is watched', runs, { do: 'watch' }],
  ['one whose Job ended is concluded', { job: job('Complete') }, { do: 'conclude' }],
  [
    'one whose Job ended is concluded even if it is paused',
    { job: job('Failed'), replay: replay({ spec: { paused: true } }) },
    { do: 'conclude' },
  ],
  ['a finished one is left alone', { replay: replay({ phase: 'Succeeded' }) }, { do: 'conclude' }],
  [
    'a running one that is paused is held until its pod is gone',
    { ...runs, replay: replay({ spec: { paused: true } }) },
    { do: 'hold', then: 'Paused', settled: false },
  ],
  [
    'a paused one without a pod is paused',
    { replay: replay({ spec: { paused: true } }) },
    { do: 'hold', then: 'Paused', settled: true },
  ],
  [
    'a paused one whose last pod is still ending is not paused yet',
    { pods: [pod('Running')], replay: replay({ spec: { paused: true } }) },
    { do: 'hold', settled: false },
  ],
  ['one that goes on waits for the pod of before', { pods: [pod('Running')] }, { do: 'wait' }],
  ['one that goes on waits for the Job of before', { jobLeaving: true }, { do: 'wait' }],
  [
    'abort wins over pause',
    { replay: replay({ spec: { paused: true, aborted: true } }) },
    { do: 'hold', then: 'Aborted' },
  ],
  [
    'the deadline ends it, even while it is paused',
    { replay: replay({ deadline: at(20), spec: { paused: true } }) },
    { do: 'hold', then: 'Failed' },
  ],
  [
    'an isolation ends what runs',
    { ...runs, obstacle: isolation },
    { do: 'hold', then: 'Pending', line: isolation.line },
  ],
  [
    'an isolation keeps it from starting',
    { obstacle: isolation },
    { do: 'hold', then: 'Pending', settled: true, line: isolation.line },
  ],
  ['a backup lets run what runs', { ...runs, obstacle: backup }, { do: 'watch' }],
  ['a backup keeps it from starting', { obstacle: backup }, { do: 'wait', line: backup.line }],
  ['it waits for another that is active', { others: [rival({ active: true, willing: false })] }, { do: 'wait' }],
  ['it waits for an older one', { others: [rival({ createdAt: at(5) })] }, { do: 'wait' }],
  [
    'it waits for one of the same second whose name comes first',
    { others: [rival({ createdAt: at(10), name: 'a' })] },
    { do: 'wait' },
  ],
  ['it does not wait for a younger one', { others: [rival()] }, { do: 'start' }],
  [
    'it does not wait for an older one that is paused',
    { others: [rival({ createdAt: at(5), willing: false })] },
    { do: 'start' },
  ],
])('%s', (_what, over, decision) => {
  expect(decide(seen(over))).toMatchObject(decision)
})

test('of any that could start at the same time exactly one does', () => {
  const names = ['c', 'a', 'b']
  const all = names.map((name, index) => rival({ name, createdAt: at(index === 2 ? 5 : 6) }))
  const starters = all.filter(({ name, createdAt }) => {
    const { metadata, ...rest } = replay()
    const mine: Replay = { ...rest, metadata: { ...metadata, name, creationTimestamp: createdAt } }
    return decide(seen({ replay: mine, others: all.filter((other) => other.name !== name) })).do === 'start'
  })
  expect(starters.map(({ name }) => name)).toEqual(['b'])
})
