import { describe, expect, test } from 'vitest'
import { firstBlocker, lastError, podBlocker } from './blockers.ts'
import type { ClaimView, ContainerStatus, PodView } from './views.ts'

const start = Date.parse('2026-01-01T00:00:00Z')
const soon = start + 5_000
const late = start + 60_000

const pod = (over: Partial<PodView> = {}): PodView => ({
  name: 'todo-audit-1',
  labels: {},
  createdAt: '2026-01-01T00:00:00Z',
  terminating: false,
  phase: 'Pending',
  ready: false,
  conditions: [],
  containerNames: ['audit', 'daprd'],
  containers: [],
  ...over,
})
const waiting = (reason: string, message = 'words of the kubelet'): ContainerStatus => ({
  name: 'audit',
  state: { waiting: { reason, message } },
})
const ended = (message: string, restartCount: number, exitCode = 1): ContainerStatus => ({
  name: 'audit',
  restartCount,
  state: { waiting: { reason: 'CrashLoopBackOff' } },
  lastState: { terminated: { exitCode, reason: 'Error', message, finishedAt: '2026-01-01T00:00:10Z' } },
})
const claim: ClaimView = {
  name: 'data-todo-audit-1',
  bound: false,
  storageClass: 'fast',
  createdAt: '2026-01-01T00:00:00Z',
}
const unschedulable = {
  type: 'PodScheduled',
  status: 'False',
  reason: 'Unschedulable',
  message: '0/1 nodes are available',
}

describe('what blocks a pod', () => {
  test.each([
    { name: 'nothing, when it is ready', given: pod({ ready: true, containers: [ended('x', 9)] }), want: undefined },
    {
      name: 'nothing, when it is on its way out',
      given: pod({ terminating: true, containers: [ended('x', 9)] }),
      want: undefined,
    },
    {
      name: 'nothing yet, when a container is being created',
      given: pod({ containers: [waiting('ContainerCreating')] }),
      want: undefined,
    },
    {
      name: 'an image that cannot be pulled',
      given: pod({ containers: [waiting('ImagePullBackOff')] }),
      want: ['ImagePullFailed', 'words of the kubelet'],
    },
    {
      name: 'a Secret that is missing',
      given: pod({ containers: [waiting('CreateContainerConfigError', 'secret "x" not found')] }),
      want: ['ContainerConfig', 'secret "x" not found'],
    },
    {
      name: 'a crash loop, with its last words',
      given: pod({ containers: [ended('one\ntwo\n', 3)] }),
      want: ['CrashLoop', 'restarts: 3): two (exit code 1)'],
    },
    {
      name: 'a crash loop whose last words are a JSON log line',
      given: pod({ containers: [ended('{"level":"fatal","msg":"cannot start","err":{"message":"no database"}}', 3)] }),
      want: ['CrashLoop', 'cannot start: no database'],
    },
    {
      name: 'memory that ran out',
      given: pod({
        containers: [{ ...ended('', 2), lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } } }],
      }),
      want: ['CrashLoop', 'OOMKilled, exit code 137'],
    },
    {
      name: 'a node that nobody has, after some patience',
      given: pod({ conditions: [unschedulable] }),
      want: ['Unschedulable', '0/1 nodes are available'],
    },
  ])('$name', ({ given, want }) => {
    const found = podBlocker(given, late)
    expect(found?.reason).toBe(want?.[0])
    expect(found?.detail ?? '').toContain(want?.[1] ?? '')
    if (found !== undefined) expect(found.object).toBe('Pod/todo-audit-1')
  })

  test('a volume that is still being made is no problem, one that never comes is', () => {
    expect(podBlocker(pod(), soon, [claim])).toBeUndefined()
    expect(podBlocker(pod(), late, [claim])).toMatchObject({
      reason: 'VolumePending',
      object: 'PersistentVolumeClaim/data-todo-audit-1',
    })
    expect(podBlocker(pod({ conditions: [unschedulable] }), soon)).toBeUndefined()
  })

  test('the oldest of several broken pods is named, so that the message stays the same', () => {
    const older = pod({ name: 'b', containers: [waiting('ErrImagePull')] })
    const newer = pod({ name: 'a', createdAt: '2026-01-01T00:00:09Z', containers: [waiting('ErrImagePull')] })
    expect(firstBlocker([newer, older], late)?.object).toBe('Pod/b')
  })

  test('the last error is that of the container that ended last, and a clean end is none', () => {
    const clean = pod({ containers: [ended('bye', 1, 0)] })
    expect(lastError([clean])).toBeUndefined()
    expect(lastError([clean, pod({ containers: [ended('boom', 1)] })])).toBe('audit: boom (exit code 1)')
  })
})
