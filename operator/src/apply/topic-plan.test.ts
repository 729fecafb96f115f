import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isSettled, planTopics, type ActualTopic, type TopicSpec } from './topic-plan.ts'

const spec = (over: Partial<TopicSpec> = {}): TopicSpec => ({
  name: 'task-events',
  partitions: 3,
  replicationFactor: 1,
  config: { 'retention.ms': '1000' },
  ...over,
})
const live = (over: Partial<ActualTopic> = {}): ActualTopic => ({ ...spec(), ...over })
const holding = (...topics: ActualTopic[]): Map<string, ActualTopic> =>
  new Map(topics.map((topic) => [topic.name, topic]))
const nothing = { create: [], grow: [], configure: [], refused: [] }

describe('planning topics', () => {
  test.each([
    { name: 'a missing topic is created', actual: holding(), want: { ...nothing, create: [spec()] } },
    { name: 'a topic that fits is left alone', actual: holding(live()), want: nothing },
    {
      name: 'a topic with too few partitions grows',
      actual: holding(live({ partitions: 1 })),
      want: { ...nothing, grow: [{ name: 'task-events', count: 3 }] },
    },
    {
      name: 'a topic with more partitions than asked for is never shrunk',
      actual: holding(live({ partitions: 6 })),
      want: { ...nothing, refused: [{ name: 'task-events', desired: 3, actual: 6 }] },
    },
    {
      name: 'a changed setting is written together with what others set',
      actual: holding(live({ config: { 'retention.ms': '5', 'cleanup.policy': 'compact' } })),
      want: {
        ...nothing,
        configure: [{ name: 'task-events', config: { 'retention.ms': '1000', 'cleanup.policy': 'compact' } }],
      },
    },
    {
      name: 'settings and topics nobody desires stay as they are',
      actual: holding(
        live({ config: { 'retention.ms': '1000', 'max.message.bytes': '9' } }),
        live({ name: 'foreign', partitions: 9 }),
      ),
      want: nothing,
    },
    {
      name: 'a refused shrink does not keep the settings from being written',
      actual: holding(live({ partitions: 6, config: {} })),
      want: {
        ...nothing,
        configure: [{ name: 'task-events', config: { 'retention.ms': '1000' } }],
        refused: [{ name: 'task-events', desired: 3, actual: 6 }],
      },
    },
    {
      name: 'another replication factor is not an edit we can make',
      actual: holding(live({ replicationFactor: 3 })),
      want: nothing,
    },
  ])('$name', ({ actual, want }) => {
    expect(planTopics([spec()], actual)).toEqual(want)
  })

  test('carrying out a plan settles it, and loses no foreign setting', () => {
    const topic = fc.record({
      name: fc.constantFrom('a', 'b', 'c'),
      partitions: fc.integer({ min: 1, max: 8 }),
      replicationFactor: fc.constant(1),
      config: fc.dictionary(fc.constantFrom('x', 'y', 'z'), fc.constantFrom('1', '2'), { noNullPrototype: true }),
    })
    const topics = fc.uniqueArray(topic, { selector: ({ name }) => name })
    fc.assert(
      fc.property(topics, topics, (desired, existing) => {
        const before = holding(...existing)
        const plan = planTopics(desired, before)
        const after = new Map(before)
        for (const created of plan.create) after.set(created.name, created)
        for (const { name, count } of plan.grow) after.set(name, { ...after.get(name)!, partitions: count })
        for (const { name, config } of plan.configure) after.set(name, { ...after.get(name)!, config })
        expect(isSettled(planTopics(desired, after))).toBe(true)
        for (const was of existing) {
          const is = after.get(was.name)!
          expect(is.partitions).toBeGreaterThanOrEqual(was.partitions)
          expect(Object.keys(is.config)).toEqual(expect.arrayContaining(Object.keys(was.config)))
        }
      }),
    )
  })
})
