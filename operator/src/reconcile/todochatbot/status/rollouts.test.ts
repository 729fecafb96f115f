import { describe, expect, test } from 'vitest'
import { aStatus, anObserved, now } from '../../../../test/support/observed.ts'
import { findCondition } from '../../../api/v1alpha1/conditions.ts'
import type { TodoChatbotStatus } from '../../../api/v1alpha1/schema/status.ts'

describe('a changed worker that fails at what it is asked', () => {
  const failing = (time: number, status: TodoChatbotStatus): TodoChatbotStatus =>
    aStatus(
      anObserved({
        spec: { services: { audit: { resources: { limits: { memory: '300Mi' } } } } },
        bot: { status, generation: 2 },
        seen: { now: time },
        live: (live) => ({
          ...live,
          health: new Map(
            live.workers.audit.pods.map(({ name }) => [
              name,
              {
                state: 'Answered',
                answer: { phase: 'ready', failing: {}, poolExhausted: false, errorPercent: 40, config: {} },
              },
            ]),
          ),
        }),
      }),
    )
  const auditOf = (status: TodoChatbotStatus) => status.services?.find(({ name }) => name === 'audit')

  test('is not taken for healthy though its pods are ready, and its change is refused when its time is over', () => {
    const before = aStatus(anObserved())
    const during = failing(now, before)
    expect(auditOf(during)).toMatchObject({ lastHealthy: auditOf(before)?.lastHealthy, rollout: {} })
    expect(findCondition(during.conditions, 'UpToDate')?.reason).toBe('TooManyErrors')
    expect(during.blockedRevisions).toBeUndefined()
    const after = failing(now + 6 * 60_000, during)
    expect(after.blockedRevisions).toMatchObject([
      { worker: 'audit', reason: expect.stringContaining('40 %') as string },
    ])
  })
})
