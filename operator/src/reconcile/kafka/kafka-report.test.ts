import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { KafkaFigures, TopicFigures } from '../../apply/kafka-figures.ts'
import { digestOf, emptyReport, lagOf, quietAfter, reportAfter, type KafkaReport } from './kafka-report.ts'

const declaration = {
  consumers: [{ worker: 'audit' as const, group: 'ns.todo-audit', topics: ['events'] }],
  topics: ['events', 'events.dlq'],
  deadLetterTopics: ['events.dlq'],
}

const topic = (name: string, ...partitions: { beginning?: number; end: number }[]): TopicFigures => ({
  name,
  partitions: partitions.map(({ beginning = 0, end }, partition) => ({
    partition,
    leader: 1,
    replicas: 1,
    inSync: 1,
    beginning,
    end,
  })),
  config: { 'retention.ms': '1000' },
})

/** Figures of one consumer; `committed` by partition. */
const figures = (look: { events: TopicFigures; dead?: TopicFigures; committed?: number[] }): KafkaFigures => ({
  topics: new Map([look.events, look.dead ?? topic('events.dlq', { end: 0 })].map((entry) => [entry.name, entry])),
  groups: new Map([
    [
      'ns.todo-audit',
      {
        group: 'ns.todo-audit',
        state: 'Stable',
        members: [{ clientId: 'sarama', host: '10.0.0.1', partitions: 1 }],
        committed: new Map([['events', new Map((look.committed ?? []).entries())]]),
      },
    ],
  ]),
})

/** Reports after looks at the given times (s). */
const looks = (...rounds: (readonly [seconds: number, look: Parameters<typeof figures>[0]])[]): KafkaReport =>
  rounds.reduce<KafkaReport>(
    (before, [seconds, look]) => reportAfter(before, declaration, figures(look), seconds * 1000),
    emptyReport,
  )

const consumed = (report: KafkaReport) => report.consumers.audit?.topics[0]

describe('lag', () => {
  test('is what lies between the committed offset and the end, over all partitions', () => {
    const report = looks([1, { events: topic('events', { end: 10 }, { end: 5 }), committed: [7, 5] }])
    expect(consumed(report)).toMatchObject({ lag: 3, end: 15, committed: 12, maxPartitionLag: 3 })
    expect(lagOf(report, 'audit')).toBe(3)
  })

  test('counts from the oldest event when nothing was committed, or when retention removed what was', () => {
    expect(consumed(looks([1, { events: topic('events', { beginning: 4, end: 10 }) }]))?.lag).toBe(6)
    expect(consumed(looks([1, { events: topic('events', { beginning: 4, end: 10 }), committed: [2] }]))?.lag).toBe(6)
  })

  test('is not known while the brokers do not answer', () => {
    const report = looks([1, { events: topic('events', { end: 10 }), committed: [7] }])
    expect(lagOf({ ...report, unreachable: 'gone' }, 'audit')).toBeUndefined()
    expect(lagOf(emptyReport, 'audit')).toBeUndefined()
  })

  test('tells what it was at the look before, so that one sees it fall', () => {
    const events = topic('events', { end: 10 })
    expect(consumed(looks([1, { events, committed: [2] }], [2, { events, committed: [6] }]))).toMatchObject({
      lag: 4,
      lagBefore: 8,
    })
  })

  test('is left out where Kafka did not tell the offsets', () => {
    const hidden = { ...topic('events', { end: 0 }), problem: 'not authorized' }
    expect(looks([1, { events: hidden }]).consumers.audit?.topics).toEqual([])
  })

  test('is never negative and never smaller than its largest part', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(50), fc.nat(50), fc.option(fc.nat(120))), { minLength: 1 }), (cells) => {
        const events = topic('events', ...cells.map(([beginning, more]) => ({ beginning, end: beginning + more })))
        const found = consumed(looks([1, { events, committed: cells.map(([, , at]) => at ?? 0) }]))
        expect(found?.lag).toBeGreaterThanOrEqual(found?.maxPartitionLag ?? NaN)
        expect(found?.maxPartitionLag).toBeGreaterThanOrEqual(0)
      }),
    )
  })
})

describe('a consumer that stands still', () => {
  const events = topic('events', { end: 10 }, { end: 10 })

  test('is seen since the first look at the event it does not take, even when its other partitions move', () => {
    const report = looks(
      [10, { events, committed: [5, 10] }],
      [20, { events: topic('events', { end: 12 }, { end: 20 }), committed: [5, 20] }],
      [30, { events: topic('events', { end: 14 }, { end: 30 }), committed: [5, 25] }],
    )
    expect(consumed(report)?.stillSince).toBe(10_000)
  })

  test('is forgotten as soon as it moves or has caught up', () => {
    expect(
      consumed(looks([10, { events, committed: [5, 10] }], [20, { events, committed: [6, 10] }]))?.stillSince,
    ).toBe(20_000)
    expect(
      consumed(looks([10, { events, committed: [5, 10] }], [20, { events, committed: [10, 10] }]))?.stillSince,
    ).toBeUndefined()
  })
})

describe('dead letters', () => {
  const events = topic('events', { end: 0 })
  const dead = (end: number, beginning = 0): TopicFigures => topic('events.dlq', { beginning, end })

  test('are those that are still there', () => {
    expect(looks([1, { events, dead: dead(9, 4) }]).deadLetters[0]?.count).toBe(5)
  })

  test('that lie there from before the first look do not grow', () => {
    expect(looks([1, { events, dead: dead(9) }], [2, { events, dead: dead(9) }]).deadLetters[0]?.growth).toBeUndefined()
  })

  test('grow since the first new one, until none came for a while', () => {
    const growing = looks(
      [10, { events, dead: dead(1) }],
      [20, { events, dead: dead(2) }],
      [30, { events, dead: dead(2) }],
      [40, { events, dead: dead(5) }],
    )
    expect(growing.deadLetters[0]?.growth).toEqual({ since: 20_000, latest: 40_000, added: 4 })
    const later = reportAfter(growing, declaration, figures({ events, dead: dead(5) }), 40_000 + quietAfter)
    expect(later.deadLetters[0]?.growth).toBeUndefined()
  })
})

describe('nobody is woken', () => {
  const at = (seconds: number, look: Parameters<typeof figures>[0], before = emptyReport): [KafkaReport, string] => {
    const report = reportAfter(before, declaration, figures(look), seconds * 1000)
    return [report, digestOf(report, seconds * 1000)]
  }

  test('by the few events a busy topic has under way', () => {
    const [first, before] = at(10, { events: topic('events', { end: 100 }), committed: [100] })
    const [, after] = at(20, { events: topic('events', { end: 900 }), committed: [897] }, first)
    expect(after).toBe(before)
  })

  test.each([
    { name: 'lag that is real', look: { events: topic('events', { end: 900 }), committed: [100] } },
    {
      name: 'a dead letter',
      look: { events: topic('events', { end: 100 }), committed: [100], dead: topic('events.dlq', { end: 1 }) },
    },
    {
      name: 'a consumer that stands still for a minute',
      look: { events: topic('events', { end: 101 }), committed: [100] },
      seconds: 80,
      between: true,
    },
    {
      name: 'the second look at a consumer that stands still',
      look: { events: topic('events', { end: 101 }), committed: [100] },
      compared: { events: topic('events', { end: 101 }), committed: [100] },
    },
  ])('but by $name', ({ look, seconds = 20, between = false, compared }) => {
    const [first, before] = at(10, compared ?? { events: topic('events', { end: 100 }), committed: [100] })
    const [second] = between ? at(15, look, first) : [first]
    expect(at(seconds, look, second)[1]).not.toBe(before)
  })
})
