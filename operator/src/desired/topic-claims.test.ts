import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { aTodoChatbot } from '../../test/support/builders.ts'
import type { TodoChatbot } from '../api/v1alpha1/todochatbot.ts'
import { topicConflicts } from './topic-claims.ts'
import { desiredTopics } from './topics.ts'

interface Claim {
  readonly day?: number
  readonly prefix?: string
  readonly brokers?: string[]
}

const system = (uid: string, { day = 1, prefix = '', brokers = ['a:9092'] }: Claim = {}): TodoChatbot =>
  aTodoChatbot(
    { kafka: { mode: 'External', bootstrapServers: brokers, topicPrefix: prefix } },
    { uid, namespace: `ns-${uid}`, creationTimestamp: `2026-01-0${String(day)}T00:00:00Z` },
  )

describe('two systems that name the same topics on the same brokers', () => {
  const older = system('b', { day: 1 })
  const newer = system('a', { day: 2 })

  test('the older one owns them', () => {
    expect(topicConflicts(older, [older, newer])).toEqual([])
    const conflicts = topicConflicts(newer, [older, newer])
    expect(conflicts).toHaveLength(6)
    expect(conflicts[0]).toEqual({ topic: 'task-events', owner: 'ns-b/todo' })
  })

  test('the smaller uid decides between two of the same age', () => {
    const twin = system('a', { day: 1 })
    expect(topicConflicts(twin, [older, twin])).toEqual([])
    expect(topicConflicts(older, [older, twin])).toHaveLength(6)
  })

  test('share a cluster when they share one bootstrap server, whatever the case of its name', () => {
    const rival = system('a', { day: 2, brokers: ['c:9092', 'A:9092'] })
    expect(topicConflicts(rival, [older, rival])).toHaveLength(6)
  })

  test('do not meet with different prefixes or on different brokers', () => {
    expect(topicConflicts(system('a', { day: 2, prefix: 'x.' }), [older])).toEqual([])
    expect(topicConflicts(system('a', { day: 2, brokers: ['z:9092'] }), [older])).toEqual([])
  })

  test('meet where the caller knows better, such as by cluster id', () => {
    const rival = system('a', { day: 2, brokers: ['z:9092'] })
    expect(topicConflicts(rival, [older], () => true)).toHaveLength(6)
  })
})

test('Embedded brokers are never shared', () => {
  const first = aTodoChatbot({}, { uid: 'a', namespace: 'one' })
  const second = aTodoChatbot({}, { uid: 'b', namespace: 'two' })
  expect(topicConflicts(second, [first, second])).toEqual([])
})

test('every topic has exactly one owner, whatever the order in which systems are listed', () => {
  const claims = fc.uniqueArray(
    fc.record({
      uid: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      day: fc.integer({ min: 1, max: 3 }),
      prefix: fc.constantFrom('', 'x.'),
    }),
    { selector: ({ uid }) => uid, minLength: 1 },
  )
  fc.assert(
    fc.property(claims, (list) => {
      const bots = list.map(({ uid, ...claim }) => system(uid, claim))
      const owners = bots.flatMap((bot) => {
        const lost = topicConflicts(bot, bots.toReversed()).map(({ topic }) => topic)
        expect(topicConflicts(bot, bots).map(({ topic }) => topic)).toEqual(lost)
        return desiredTopics(bot)
          .map(({ name }) => name)
          .filter((name) => !lost.includes(name))
      })
      const wanted = new Set(bots.flatMap((bot) => desiredTopics(bot).map(({ name }) => name)))
      expect(owners.toSorted()).toEqual([...wanted].toSorted())
    }),
  )
})
