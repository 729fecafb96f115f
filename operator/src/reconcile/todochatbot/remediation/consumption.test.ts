import { describe, expect, test } from 'vitest'
import { aTodoChatbot } from '../../../../test/support/builders.ts'
import { consumers } from '../../../desired/consumers.ts'
import { emptyReport, type ConsumedTopic, type KafkaReport } from '../../kafka/kafka-report.ts'
import { consumptionSeen } from './consumption.ts'

const now = Date.parse('2026-01-01T12:00:00Z')
const bot = aTodoChatbot()
const topic = consumers(bot).find(({ worker }) => worker === 'audit')?.topics[0] ?? ''
const consumed = (stillFor: number | undefined): ConsumedTopic => ({
  topic,
  committed: 3,
  end: 10,
  lag: 7,
  maxPartitionLag: 7,
  partitions: [],
  shown: 7,
  rounded: 7,
  ...(stillFor === undefined ? {} : { stillSince: now - stillFor }),
})
const report = (stillFor: number | undefined, over: Partial<KafkaReport> = {}): KafkaReport => ({
  ...emptyReport,
  at: now,
  consumers: { audit: { group: 'g', state: 'Stable', members: [], topics: [consumed(stillFor)] } },
  ...over,
})

test('a consumer that stands still beside dead letters is told by what waits, and the dead letters by where they lie', () => {
  const letters = {
    topic: `${topic}.dlq`,
    ...{ count: 4, end: 4, shown: 4, rounded: 4 },
    growth: { since: now - 9_000, latest: now, added: 4 },
  }
  expect(consumptionSeen(bot, report(60_000, { deadLetters: [letters] }), 'audit', now)).toMatchObject({
    stuck: { detail: `7 of ${topic}` },
    deadLetters: { since: now - 9_000, detail: `events arrive in ${topic}.dlq` },
  })
})

describe('a consumer with events before it', () => {
  test.each([
    { what: 'moves', stillFor: undefined, seen: {} },
    { what: 'was moving a moment ago', stillFor: 5_000, seen: { lookAt: now + 25_000 } },
    { what: 'has stood still for a while', stillFor: 30_000, seen: { stuck: { since: now - 30_000 } } },
  ])('that $what', ({ stillFor, seen }) => {
    const answer = consumptionSeen(bot, report(stillFor), 'audit', now)
    expect(answer).toMatchObject(seen)
    expect('stuck' in answer).toBe('stuck' in seen)
  })

  test('was found so by one look only, as any busy one is, and nothing is said of it before the next', () => {
    const impatient = aTodoChatbot({ remediation: { unhealthyAfter: '10s' } })
    const once = report(6_000, { at: now - 6_000 })
    expect(consumptionSeen(impatient, once, 'audit', now)).not.toHaveProperty('stuck')
    expect(consumptionSeen(impatient, { ...once, at: now }, 'audit', now)).toMatchObject({
      stuck: { since: now - 6_000, seenAt: now },
    })
  })

  test('is not judged by figures that are old', () => {
    expect(consumptionSeen(bot, report(60_000, { unreachable: 'no broker answers' }), 'audit', now)).toEqual({})
  })
})
