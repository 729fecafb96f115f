import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { createLifecycle } from './lifecycle.ts'

const logger = pino({ level: 'silent' })
const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve()))

const setUp = (gracePeriod = 2_000) => {
  const steps: string[] = []
  const { promise: exited, resolve } = Promise.withResolvers<number>()
  const lifecycle = createLifecycle({ logger, gracePeriod, drainDelay: 10, exit: resolve })
  const step = (name: string) => () => {
    steps.push(`${name} while ${lifecycle.phase()}`)
    return Promise.resolve()
  }
  return { lifecycle, steps, step, exited }
}

describe('the lifecycle', () => {
  test('stops intake, then loops, then closes the rest in reverse order, once', async () => {
    const { lifecycle, steps, step, exited } = setUp()
    lifecycle.onClose('database', step('database'))
    lifecycle.onClose('sidecar', step('sidecar'))
    lifecycle.onDrain('server', async () => {
      expect(lifecycle.signal.aborted).toBe(false)
      await step('server')()
    })
    lifecycle.background('relay', async (signal) => {
      await untilAborted(signal)
      await step('relay')()
    })
    lifecycle.ready()
    expect(lifecycle.phase()).toBe('ready')
    await Promise.all([lifecycle.stop('SIGTERM'), lifecycle.stop('SIGINT')])
    expect(steps).toEqual(['server', 'relay', 'sidecar', 'database'].map((name) => `${name} while draining`))
    expect(await exited).toBe(0)
  })

  test('is not ready again once it drains', async () => {
    const { lifecycle } = setUp()
    lifecycle.ready()
    const stopping = lifecycle.stop('SIGTERM')
    lifecycle.ready()
    expect(lifecycle.phase()).toBe('draining')
    await stopping
    expect(lifecycle.phase()).toBe('stopped')
  })

  test.each([
    ['fails', () => Promise.reject(new Error('no more'))],
    ['ends by itself', () => Promise.resolve()],
  ])('ends the process with code 1 when a loop %s', async (_what, loop) => {
    const { lifecycle, steps, step, exited } = setUp()
    lifecycle.onClose('database', step('database'))
    lifecycle.background('relay', loop)
    expect(await exited).toBe(1)
    expect(steps).toEqual(['database while draining'])
  })

  test('abandons what does not close in time, closes the rest and says so in the exit code', async () => {
    const { lifecycle, steps, step, exited } = setUp(50)
    lifecycle.onClose('database', step('database'))
    lifecycle.onClose('stuck', () => new Promise(() => undefined))
    void lifecycle.stop('SIGTERM')
    expect(await exited).toBe(1)
    expect(steps).toEqual(['database while draining'])
  })
})
