import { describe, expect, test } from 'vitest'
import { aTodoChatbot, externalSpec } from '../../test/support/builders.ts'
import { desiredTopics } from './topics.ts'

describe('the topics of a system', () => {
  test('are three, each with its dead letters', () =>
    expect(desiredTopics(aTodoChatbot()).map(({ name, partitions }) => [name, partitions])).toEqual([
      ['task-events', 3],
      ['task-events.dlq', 1],
      ['task-reminders', 3],
      ['task-reminders.dlq', 1],
      ['task-updates', 3],
      ['task-updates.dlq', 1],
    ]))

  test('carry the prefix, retention and configuration of the spec', () => {
    const bot = aTodoChatbot({
      kafka: {
        topicPrefix: 'a.',
        topics: { taskEvents: { partitions: 6, retention: '14d', config: { 'compression.type': 'lz4' } } },
      },
    })
    expect(desiredTopics(bot)[0]).toEqual({
      alias: 'taskEvents',
      name: 'a.task-events',
      partitions: 6,
      replicationFactor: 1,
      config: { 'retention.ms': '1209600000', 'compression.type': 'lz4' },
      deletionPolicy: 'Retain',
    })
  })

  test('keep dead letters for 30 days', () =>
    expect(desiredTopics(aTodoChatbot())[1]?.config).toEqual({ 'retention.ms': '2592000000' }))

  test('are safe on two brokers before an event is acknowledged, where three hold it', () => {
    const topics = desiredTopics(aTodoChatbot({ ...externalSpec, profile: 'Production' }))
    expect(
      topics.every(({ config, replicationFactor }) => replicationFactor === 3 && config['min.insync.replicas'] === '2'),
    ).toBe(true)
    const own = { topics: { taskEvents: { config: { 'min.insync.replicas': '1' } } } }
    const [first] = desiredTopics(
      aTodoChatbot({ ...externalSpec, kafka: { ...externalSpec.kafka, ...own }, profile: 'Production' }),
    )
    expect(first?.config['min.insync.replicas']).toBe('1')
  })
})
