import { expect, test } from 'vitest'
import { withDefaults } from '../api/v1alpha1/defaults.ts'
import { replaySpecSchema, replayedTopics } from '../api/v1alpha1/replay.ts'
import type { TodoChatbotSpecInput } from '../api/v1alpha1/todochatbot.ts'
import { replayConfigSchema } from '../../../workers/jobs/replay/config.ts'
import { aTodoChatbot, externalSpec, someFacts } from '../../test/support/builders.ts'
import { subscriptionsOf } from './dapr-subscriptions.ts'
import { fieldOfWorker, replayConfig, replayObjects, type ReplayInput } from './replay.ts'

const inputOf = (spec: object, bot: TodoChatbotSpecInput = {}): ReplayInput => ({
  bot: withDefaults(aTodoChatbot(bot)),
  facts: someFacts(),
  replay: {
    metadata: { name: 'one', namespace: 'todo-app', uid: '5c5d1d0e-0000-4000-8000-000000000002', generation: 1 },
    spec: replaySpecSchema.parse({ system: 'todo', worker: 'audit', source: 'AuditGaps', ...spec }),
  },
  timeLeft: 60_000,
})
const dead = { worker: 'notification', source: 'DeadLetters', topic: 'taskEvents' }
const volume = { backup: { destination: { volume: {} } } }

test('the workers and topics of the schema are those of the Subscriptions', () => {
  for (const [worker, topics] of Object.entries(replayedTopics))
    expect(subscriptionsOf[fieldOfWorker(worker as keyof typeof replayedTopics)]).toEqual(topics)
})

test.each<[string, object, TodoChatbotSpecInput, object]>([
  [
    'dead letters go to the route of their topic',
    dead,
    {},
    {
      topics: [{ alias: 'taskEvents', topic: 'task-events.dlq', path: '/replay/task-events' }],
      muted: true,
      force: false,
    },
  ],
  [
    'the search for gaps looks at every topic of audit',
    {},
    { kafka: { ...externalSpec.kafka, topicPrefix: 'a.' } },
    { topics: [{ topic: 'a.task-events' }, { topic: 'a.task-reminders' }], worker: 'audit' },
  ],
  [
    'times become milliseconds',
    { ...dead, select: { fromTime: '2026-01-01T00:00:00Z', keys: ['ada'] } },
    {},
    { select: { time: { from: Date.UTC(2026, 0, 1) }, keys: ['ada'] } },
  ],
  [
    'gaps are looked for in the backups, too',
    {},
    volume,
    { backups: { destination: { volume: { folder: '/backups' } }, publicKey: 'todo-backup-signing/public.pem' } },
  ],
])('%s', (_what, spec, bot, expected) => {
  expect(replayConfigSchema.parse(replayConfig(inputOf(spec, bot)))).toMatchObject(expected)
})

test('only the search for gaps gets the backups; the volume cannot be written', () => {
  const volumesOf = (input: ReplayInput) => {
    const { template } = replayObjects(input).find(({ kind }) => kind === 'Job')?.['spec'] as {
      template: { spec: { volumes: { name: string }[] } }
    }
    return template.spec.volumes.filter(({ name }) => name === 'backups')
  }
  expect(volumesOf(inputOf({}, volume))).toEqual([
    { name: 'backups', persistentVolumeClaim: { claimName: 'todo-backups', readOnly: true } },
  ])
  expect(volumesOf(inputOf(dead, volume))).toEqual([])
  expect(replayConfig(inputOf(dead, volume))).not.toHaveProperty('backups')
})
