import { expect, test } from 'vitest'
import { replaySpecSchema, type Replay } from '../../api/v1alpha1/replay.ts'
import type { ReplayReport } from '../../../../workers/jobs/replay/config.ts'
import type { JobView, PodView } from '../todochatbot/views.ts'
import { concluded, ended, unfinished } from './conclude.ts'

const now = Date.UTC(2026, 0, 1)
const replay = (spec: object = {}): Replay => ({
  metadata: { name: 'mine', namespace: 'ns', uid: 'u-1', generation: 2 },
  spec: replaySpecSchema.parse({ system: 'todo', worker: 'notification', topic: 'taskEvents', ...spec }),
  status: { observedGeneration: 1, phase: 'Running' },
})
const none = { read: 0, matched: 0, delivered: 0, duplicates: 0, ignored: 0, failed: 0, redelivered: 0 }
const report = (counts: Partial<ReplayReport['counts']>, rest: Partial<ReplayReport> = {}): ReplayReport => ({
  counts: { ...none, ...counts },
  types: [],
  failures: [],
  missing: [],
  ...rest,
})
const said = (message: string, exitCode = 0): PodView[] => [
  {
    name: 'mine-replay-x',
    labels: {},
    createdAt: '2026-01-01T00:00:00Z',
    terminating: false,
    phase: exitCode === 0 ? 'Succeeded' : 'Failed',
    ready: false,
    conditions: [],
    containerNames: ['replay'],
    containers: [{ name: 'replay', state: { terminated: { exitCode, message } } }],
  },
]
const complete: JobView = { name: 'mine-replay', state: 'Complete', message: '' }
const came = (counts: Partial<ReplayReport['counts']>, rest?: Partial<ReplayReport>, spec?: object) =>
  concluded(replay(spec), complete, said(JSON.stringify(report(counts, rest))), now)

test.each([
  [
    'everything delivered',
    { matched: 3, delivered: 2, duplicates: 1 },
    {},
    'Succeeded',
    '3 matched, 2 delivered, 1 handled before',
  ],
  ['nothing to do', {}, {}, 'Succeeded', '0 matched, 0 delivered'],
  [
    'some failed',
    { matched: 3, delivered: 2, failed: 1 },
    {},
    'PartiallySucceeded',
    '3 matched, 2 delivered, 1 failed',
  ],
  ['all failed', { matched: 2, failed: 2 }, {}, 'Failed', '2 matched, 0 delivered, 2 failed'],
  [
    'records that nobody has any more',
    {},
    { missing: [{ what: '4 records', why: 'gone' }] },
    'PartiallySucceeded',
    '0 matched, 0 delivered; missing: 4 records',
  ],
  [
    'gaps that were explained',
    { matched: 1, delivered: 1 },
    { gaps: { numbers: 1, ranges: [{ from: 2, to: 2 }], unexplained: 0 } },
    'Succeeded',
    '1 matched, 1 delivered; 1 numbers are missing in the trail',
  ],
  [
    'gaps without an event',
    {},
    { gaps: { numbers: 2, ranges: [{ from: 2, to: 3 }], unexplained: 2 } },
    'PartiallySucceeded',
    '0 matched, 0 delivered; 2 numbers are missing in the trail, 2 without an event',
  ],
] as const)('a Job that says %s', (_what, counts, rest, phase, summary) => {
  expect(came(counts, rest as Partial<ReplayReport>)).toMatchObject({ phase, summary })
})

test('a dry run says what would be delivered, with force and without', () => {
  const counts = { matched: 10, duplicates: 4 }
  expect(came(counts, {}, { dryRun: true }).summary).toBe('dry run: 10 matched, 4 handled before, 6 would be delivered')
  expect(came({ matched: 10 }, {}, { dryRun: true, force: true }).summary).toBe(
    'dry run: 10 matched, 10 would be delivered',
  )
})

test('a Job that failed says its last words; one whose report is lost says so', () => {
  const failed = concluded(
    replay(),
    { ...complete, state: 'Failed', message: 'BackoffLimitExceeded' },
    said('the worker is away', 1),
    now,
  )
  expect(failed).toMatchObject({ phase: 'Failed', summary: 'replay: the worker is away (exit code 1)' })
  expect(concluded(replay(), complete, [], now)).toMatchObject({
    phase: 'PartiallySucceeded',
    missing: [{ what: 'report' }],
  })
})

test('abort keeps what was delivered, and is neither ready nor going on', () => {
  const counts = { ...none, matched: 5, delivered: 4 }
  const running = { ...replay(), status: unfinished(replay(), 'Running', '', now, { percent: 40, counts }) }
  const status = ended(running, 'Aborted', 'Aborted', now)
  expect(status).toMatchObject({
    phase: 'Aborted',
    counts,
    summary: expect.stringContaining('at least 4 events') as string,
  })
  expect(status.conditions?.map(({ type, status: held, reason }) => [type, held, reason])).toEqual([
    ['Ready', 'False', 'Aborted'],
    ['Reconciling', 'False', 'Done'],
    ['Stalled', 'True', 'Aborted'],
  ])
})
