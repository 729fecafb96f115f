import { describe, expect, test } from 'vitest'
import { aPod } from '../../../test/support/observed.ts'
import { fenceOutcome, jobOutcome } from './outcome.ts'

const job = (state: 'Running' | 'Complete' | 'Failed') => ({ name: 'r-check', state, message: 'backoff' })
const pod = (phase: string, exitCode?: number, message = '') =>
  aPod('r-check-1', {
    ready: false,
    phase,
    containers: [
      { name: 'restore', ...(exitCode === undefined ? {} : { state: { terminated: { exitCode, message } } }) },
    ],
  })
const seen = { problem: undefined, now: Date.parse('2026-01-01T00:00:00Z') }
const report = JSON.stringify({ step: 'check', message: '7 parts are as the manifest says' })

describe('a step', () => {
  test.each([
    [
      'has succeeded when its pod says so, before the Job controller does',
      'Running',
      pod('Succeeded', 0, report),
      'Succeeded',
    ],
    ['is waited for while news of the Job came before that of its pod', 'Complete', pod('Running'), 'Running'],
    ['has failed when its pod says something else', 'Complete', pod('Succeeded', 0, 'hello'), 'Failed'],
    ['is tried again while its Job is', 'Running', pod('Failed', 1, 'no connection'), 'Running'],
    ['has failed when its Job gives up', 'Failed', pod('Failed', 3, 'PartCorrupt: database.dump'), 'Failed'],
  ] as const)('%s', (_what, state, its, kind) => expect(jobOutcome(job(state), [its], seen).kind).toBe(kind))

  test('says the last words of the pod that refused', () =>
    expect(jobOutcome(job('Failed'), [pod('Failed', 3, 'PartCorrupt: database.dump')], seen).message).toContain(
      'PartCorrupt: database.dump',
    ))

  test('whose pod is gone although its Job is complete has failed', () =>
    expect(jobOutcome(job('Complete'), [], seen).kind).toBe('Failed'))
})

test('workers are away only when no pod of any is left', () => {
  const worker = { name: 'todo-audit', replicas: 0, workload: undefined, exempt: false }
  expect(fenceOutcome([{ ...worker, pods: [pod('Running')] }]).kind).toBe('Running')
  expect(fenceOutcome([{ ...worker, replicas: 1, pods: [] }]).kind).toBe('Running')
  expect(fenceOutcome([{ ...worker, pods: [] }]).kind).toBe('Succeeded')
})
