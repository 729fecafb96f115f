import { describe, expect, test } from 'vitest'
import { aStatus, anObserved, notReady } from '../../../test/support/observed.ts'
import type { TodoChatbotStatus } from '../../api/v1alpha1/schema/status.ts'
import type { KubeClient } from '../../kube/client.ts'
import type { KubeObject } from '../../kube/object.ts'
import { statusWriter } from './status-writer.ts'
import { stepsOf } from './status/steps.ts'

const { signal } = new AbortController()
const starting = (summary: string): TodoChatbotStatus => ({
  ...aStatus(
    anObserved({ live: (live) => ({ ...live, dependencies: { redis: notReady(live.dependencies.redis!) } }) }),
  ),
  summary,
})
const resource = (status?: TodoChatbotStatus): KubeObject => ({
  apiVersion: 'todochatbot.dev/v1alpha1',
  kind: 'TodoChatbot',
  metadata: { namespace: 'n', name: 'todo' },
  ...(status === undefined ? {} : { status }),
})

function aWriter() {
  const written: TodoChatbotStatus[] = []
  const clock = { time: 0 }
  const apply = (object: KubeObject): Promise<{ object: KubeObject; created: boolean }> => {
    written.push(object['status'] as TodoChatbotStatus)
    return Promise.resolve({ object, created: false })
  }
  const writer = statusWriter({
    client: { apply } as unknown as KubeClient,
    fieldManager: 'm',
    observe: () => undefined,
    now: () => clock.time,
    stepsOf,
    interval: 1_000,
    settle: 3_000,
    progressInterval: 10_000,
  })
  return { writer, written, clock }
}

describe('writing a status', () => {
  test('happens at once the first time, and not at all when nothing differs', async () => {
    const { writer, written } = aWriter()
    expect(await writer.write(resource(), starting('a'), signal)).toBe('written')
    expect(await writer.write(resource(starting('a')), starting('a'), signal)).toBe('unchanged')
    expect(written).toHaveLength(1)
  })

  test('of mere progress waits until it lasts, and the newest one is what gets written', async () => {
    const { writer, written, clock } = aWriter()
    await writer.write(resource(), starting('a'), signal)
    clock.time = 400
    expect(await writer.write(resource(starting('a')), starting('b'), signal)).toEqual({ tooEarlyBy: 3_000 })
    clock.time = 2_400
    expect(await writer.write(resource(starting('a')), starting('c'), signal)).toEqual({ tooEarlyBy: 3_000 })
    clock.time = 4_400
    expect(await writer.write(resource(starting('a')), starting('c'), signal)).toEqual({ tooEarlyBy: 1_000 })
    clock.time = 5_400
    expect(await writer.write(resource(starting('a')), starting('c'), signal)).toBe('written')
    expect(written.map(({ summary }) => summary)).toEqual(['a', 'c'])
  })

  test('of progress that never rests comes now and then all the same', async () => {
    const { writer, clock } = aWriter()
    await writer.write(resource(), starting('a'), signal)
    for (clock.time = 1_000; clock.time < 10_000; clock.time += 1_000)
      expect(await writer.write(resource(starting('a')), starting(String(clock.time)), signal)).not.toBe('written')
    expect(await writer.write(resource(starting('a')), starting('b'), signal)).toBe('written')
  })

  test('of readiness waits for nothing but the pause after the last one', async () => {
    const { writer, clock } = aWriter()
    await writer.write(resource(), starting('a'), signal)
    clock.time = 400
    expect(await writer.write(resource(starting('a')), aStatus(anObserved()), signal)).toEqual({ tooEarlyBy: 600 })
    clock.time = 1_000
    expect(await writer.write(resource(starting('a')), aStatus(anObserved()), signal)).toBe('stepped')
  })

  test('that holds more than observations is not taken for progress', async () => {
    const { writer, clock } = aWriter()
    await writer.write(resource(), starting('a'), signal)
    clock.time = 1_000
    const ledger = { ...starting('b'), procedure: { step: 2 } } as TodoChatbotStatus
    expect(await writer.write(resource(starting('a')), ledger, signal)).toBe('written')
  })

  test('says so when a procedure moved on with it, and does not wait for progress to last', async () => {
    const { writer, clock } = aWriter()
    const began = starting('a')
    await writer.write(resource(), began, signal)
    const [audit, ...others] = began.services ?? []
    if (audit === undefined) throw new Error('there is no worker')
    const at = { isolation: { mode: 'Network', reason: 'r', by: 'b', until: '2026-01-01T01:00:00Z' } } as const
    const inState = (state: 'CollectingEvidence' | 'InForce'): TodoChatbotStatus => ({
      ...starting('b'),
      services: [{ ...audit, isolation: { ...at.isolation, state } }, ...others],
    })
    const refused = { worker: 'audit', template: 'b', reason: 'r', at: '2026-01-01T00:00:00Z' }
    const steps: readonly TodoChatbotStatus[] = [
      inState('CollectingEvidence'),
      inState('InForce'),
      { ...inState('InForce'), blockedRevisions: [refused] },
    ]
    let before = began
    for (const next of steps) {
      clock.time += 1_000
      expect(await writer.write(resource(before), next, signal)).toBe('stepped')
      before = next
    }
    clock.time += 1_000
    expect(await writer.write(resource(before), aStatus(anObserved()), signal)).toBe('stepped')
    clock.time += 1_000
    const lagging = { ...aStatus(anObserved()), lag: '20' }
    expect(await writer.write(resource(aStatus(anObserved())), lagging, signal)).toBe('written')
  })

  test('of workers that come up waits in the first start of a system, and in no later one', async () => {
    const at = '2026-01-01T00:00:00Z'
    const healthyWith = (status: TodoChatbotStatus, template: string): TodoChatbotStatus => ({
      ...status,
      services: (status.services ?? []).map((one) => ({ ...one, lastHealthy: { template, at } })),
    })
    const { writer, clock } = aWriter()
    const first = starting('a')
    await writer.write(resource(), first, signal)
    clock.time = 1_000
    expect(await writer.write(resource(first), healthyWith(first, 'a'), signal)).toEqual({ tooEarlyBy: 3_000 })
    const later = { ...healthyWith(first, 'a'), version: '0.1.0' }
    expect(await writer.write(resource(later), healthyWith(later, 'b'), signal)).toBe('stepped')
  })

  test('of an operation that is over does not wait either, and is no step', async () => {
    const { writer, clock } = aWriter()
    const { operation, ...over } = starting('a')
    expect(operation).toBeDefined()
    await writer.write(resource(), starting('a'), signal)
    clock.time = 1_000
    expect(await writer.write(resource(starting('a')), over, signal)).toBe('written')
  })
})
