import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { podWatch, type PodWatch } from './pod-watch.ts'
import type { SidecarMetadata } from './sidecar-metadata.ts'

const answer = (...components: string[]): SidecarMetadata => ({
  id: 'app',
  runtimeVersion: '1.18.1',
  components: components.map((name) => ({ name, type: 'state.redis' })),
  subscriptions: [],
})

describe('the pod watch', () => {
  let watch: PodWatch<SidecarMetadata>
  let sidecars: Map<string, SidecarMetadata>
  let asked: string[]
  let changed: string[]
  let open: number
  let mostOpen: number
  beforeEach(() => {
    vi.useFakeTimers()
    sidecars = new Map()
    asked = []
    changed = []
    open = 0
    mostOpen = 0
    watch = podWatch({
      ask: async ({ ip }) => {
        asked.push(ip)
        open += 1
        mostOpen = Math.max(mostOpen, open)
        await new Promise((resolve) => setTimeout(resolve, 10))
        open -= 1
        const found = sidecars.get(ip)
        if (found === undefined) throw new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') })
        return found
      },
      onChange: (owner) => changed.push(owner),
      period: 30_000,
      retry: 1_000,
      parallel: 3,
    })
  })
  afterEach(async () => {
    const stopped = watch.stop()
    await vi.advanceTimersByTimeAsync(50)
    await stopped
    vi.useRealTimers()
  })
  const pass = async (ms: number): Promise<void> => {
    await vi.advanceTimersByTimeAsync(ms)
  }
  const pod = { pod: 'audit-1', ip: '10.0.0.1', port: 3501, incarnation: '0' }

  test('asks a new pod at once and tells its owner what it answered', async () => {
    sidecars.set('10.0.0.1', answer('statestore'))
    expect(watch.ensure('a', [pod]).get('audit-1')).toEqual({ state: 'Unknown' })
    await pass(20)
    expect(changed).toEqual(['a'])
    expect(watch.ensure('a', [pod]).get('audit-1')).toEqual({ state: 'Answered', answer: answer('statestore') })
  })

  test('keeps quiet while the answers stay the same, and speaks up when a component is gone', async () => {
    sidecars.set('10.0.0.1', answer('statestore'))
    watch.ensure('a', [pod])
    await pass(70_000)
    expect(asked.length).toBeGreaterThanOrEqual(3)
    expect(changed).toEqual(['a'])
    sidecars.set('10.0.0.1', answer())
    await pass(34_000)
    expect(changed).toEqual(['a', 'a'])
  })

  test('says nothing of one answer that was lost, and does of two', async () => {
    sidecars.set('10.0.0.1', answer('statestore'))
    watch.ensure('a', [pod])
    await pass(20)
    const state = (): string | undefined => watch.ensure('a', [pod]).get('audit-1')?.state
    const untilAsked = async (count: number): Promise<void> => {
      while (asked.length < count) await pass(100)
      await pass(20)
    }
    sidecars.clear()
    await untilAsked(2)
    expect(state()).toBe('Answered')
    sidecars.set('10.0.0.1', answer('statestore'))
    await untilAsked(3)
    expect(changed).toEqual(['a'])
    sidecars.clear()
    await untilAsked(5)
    expect(state()).toBe('Failed')
    expect(changed).toEqual(['a', 'a'])
  })

  test('asks a sidecar that does not answer again soon, then less and less often, and says why', async () => {
    watch.ensure('a', [pod])
    await pass(4_500)
    expect(asked.length).toBeGreaterThanOrEqual(3)
    expect(watch.ensure('a', [pod]).get('audit-1')).toEqual({ state: 'Failed', message: 'connect ECONNREFUSED' })
    const early = asked.length
    await pass(120_000)
    expect(asked.length - early).toBeLessThanOrEqual(9)
    expect(changed).toEqual(['a'])
  })

  test('asks again at once when daprd restarted', async () => {
    sidecars.set('10.0.0.1', answer('statestore'))
    watch.ensure('a', [pod])
    await pass(20)
    watch.ensure('a', [{ ...pod, incarnation: '1' }])
    await pass(20)
    expect(asked).toHaveLength(2)
  })

  test('asks a pod at once, and once, whose readiness changed, and keeps what it said until it answers', async () => {
    sidecars.set('10.0.0.1', answer('statestore'))
    watch.ensure('a', [{ ...pod, ready: true }])
    await pass(20)
    sidecars.set('10.0.0.1', answer())
    const unready = { ...pod, ready: false }
    const before = [watch.ensure('a', [unready]), watch.ensure('a', [unready])].map((reports) => reports.get('audit-1'))
    expect(before).toEqual([1, 2].map(() => ({ state: 'Answered', answer: answer('statestore') })))
    await pass(20)
    expect(asked).toHaveLength(2)
    expect(changed).toEqual(['a', 'a'])
    expect(watch.ensure('a', [unready]).get('audit-1')).toEqual({ state: 'Answered', answer: answer() })
    await pass(34_000)
    expect(asked).toHaveLength(3)
  })

  test('asks a pod that got another address, and forgets pods that are gone', async () => {
    sidecars.set('10.0.0.2', answer('statestore'))
    watch.ensure('a', [pod])
    await pass(20)
    watch.ensure('a', [{ pod: 'audit-1', ip: '10.0.0.2', port: 3501, incarnation: '0' }])
    await pass(20)
    expect(
      watch.ensure('a', [{ pod: 'audit-1', ip: '10.0.0.2', port: 3501, incarnation: '0' }]).get('audit-1')?.state,
    ).toBe('Answered')
    watch.ensure('a', [])
    const count = asked.length
    await pass(120_000)
    expect(asked.length).toBe(count)
  })

  test('keeps the number of open questions within its limit', async () => {
    watch.ensure(
      'a',
      Array.from({ length: 20 }, (_, n) => ({ pod: `p${n}`, ip: `10.0.1.${n}`, port: 3501, incarnation: '0' })),
    )
    await pass(200)
    expect(new Set(asked).size).toBe(20)
    expect(mostOpen).toBe(3)
  })
})
