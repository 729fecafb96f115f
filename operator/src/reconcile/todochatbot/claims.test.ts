import { describe, expect, test } from 'vitest'
import { aTodoChatbot } from '../../../test/support/builders.ts'
import type { TodoChatbot } from '../../api/v1alpha1/todochatbot.ts'
import { topicClaims } from './claims.ts'

const bot = (name: string, brokers: string[], topicPrefix = '', generation = 1): TodoChatbot =>
  aTodoChatbot({ kafka: { mode: 'External', bootstrapServers: brokers, topicPrefix } }, { name, uid: name, generation })
const names = (bots: readonly TodoChatbot[]): string[] => bots.map(({ metadata }) => metadata.name)

describe('claims on topics', () => {
  test('rivals share a broker and a topic name', () => {
    const claims = topicClaims()
    const [a, b, c, d] = [
      bot('a', ['k1:9092']),
      bot('b', ['K1:9092', 'k2:9092']),
      bot('c', ['k1:9092'], 'c.'),
      bot('d', ['k3:9092']),
    ]
    for (const each of [a, b, c, d]) claims.update(each)
    expect(names(claims.rivals(a))).toEqual(['b'])
    expect(names(claims.rivals(c))).toEqual([])
    expect(names(claims.rivals(d))).toEqual([])
  })

  test('systems with a Kafka of their own have no rivals', () => {
    const claims = topicClaims()
    claims.update(aTodoChatbot({}, { name: 'a', uid: 'a' }))
    expect(claims.rivals(aTodoChatbot({}, { name: 'b', uid: 'b' }))).toEqual([])
  })

  test('whoever is affected by a change or a removal is named, so that it looks again', () => {
    const claims = topicClaims()
    claims.update(bot('a', ['k1:9092']))
    expect(claims.update(bot('b', ['k1:9092']))).toEqual(['todo-app/a'])
    expect(claims.update(bot('b', ['k1:9092']))).toEqual([])
    expect(claims.update(bot('b', ['k1:9092'], 'own.', 2))).toEqual(['todo-app/a'])
    expect(claims.rivals(bot('a', ['k1:9092']))).toEqual([])
    claims.update(bot('b', ['k1:9092'], '', 3))
    expect(claims.remove('todo-app/a')).toEqual(['todo-app/b'])
    expect(claims.rivals(bot('b', ['k1:9092']))).toEqual([])
  })
})
