import { expect, test } from 'vitest'
import type { PodReport } from '../pods/pod-watch.ts'
import type { WorkerHealth } from '../pods/worker-health.ts'
import { errorFinding, type JudgedPod } from './error-share.ts'

const pod = (name: string, template: string, createdAt: string, terminating = false): JudgedPod => ({
  name,
  labels: { 'pod-template-hash': template },
  createdAt,
  terminating,
})
const says = (errorPercent: number, failing: Record<string, string> = {}): PodReport<WorkerHealth> => ({
  state: 'Answered',
  answer: { phase: 'ready', failing, poolExhausted: false, errorPercent, config: {} },
})
const old = pod('old', 'a', '2026-01-01T00:00:00Z')
const young = pod('young', 'b', '2026-01-01T00:05:00Z')
const leaving = pod('leaving', 'b', '2026-01-01T00:06:00Z', true)

test.each<[string, readonly JudgedPod[], Record<string, PodReport<WorkerHealth>>, string | undefined]>([
  ['a changed pod with more errors than allowed is named', [old, young], { old: says(0), young: says(15) }, 'young'],
  ['one with as many as allowed is healthy', [young], { young: says(10) }, undefined],
  [
    'errors of the pods that are replaced count for nothing',
    [old, young],
    { old: says(90), young: says(0) },
    undefined,
  ],
  ['nor do those of a pod that leaves', [young, leaving], { young: says(0), leaving: says(90) }, undefined],
  ['a pod that says a dependency is away is not blamed', [young], { young: says(90, { database: 'gone' }) }, undefined],
  ['a pod that has not answered yet is not blamed', [young], {}, undefined],
])('%s', (_what, pods, health, named) => {
  const found = errorFinding('Deployment/todo-audit', pods, new Map(Object.entries(health)), 10)
  if (named === undefined) expect(found).toBeUndefined()
  else
    expect(found).toMatchObject({ reason: 'TooManyErrors', detail: expect.stringContaining(`Pod/${named}`) as string })
})
