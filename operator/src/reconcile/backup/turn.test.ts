import fc from 'fast-check'
import { expect, test } from 'vitest'
import { aTodoChatbot } from '../../../test/support/builders.ts'
import type { TodoChatbotStatus } from '../../api/v1alpha1/schema/status.ts'
import type { KubeObject } from '../../api/v1alpha1/kubernetes.ts'
import { lineOf } from '../errors.ts'
import { waitsFor } from './turn.ts'

const ready = (type: string, status: 'True' | 'False' = 'True') => ({
  ...{ type, status, reason: 'X', message: 'the brokers do not answer' },
  ...{ observedGeneration: 1, lastTransitionTime: '2026-01-01T00:00:00Z' },
})
const bot = (...conditions: ReturnType<typeof ready>[]) => ({
  ...aTodoChatbot(),
  status: { observedGeneration: 1, conditions } as TodoChatbotStatus,
})
const up = bot(ready('DatabaseReady'), ready('KafkaReady'))
const backup = (name: string, at = '2026-01-01T00:00:00Z', trigger = 'Manual', status: object = {}): KubeObject => ({
  apiVersion: 'todochatbot.dev/v1alpha1',
  kind: 'Backup',
  metadata: { name, namespace: up.metadata.namespace, uid: name, creationTimestamp: at },
  spec: { system: up.metadata.name, trigger },
  status,
})
const line = (one: KubeObject, others: KubeObject[], more: Partial<Parameters<typeof waitsFor>[0]> = {}) => {
  const found = waitsFor({
    backup: one,
    backups: [one, ...others],
    bot: up,
    hasJob: () => false,
    pruning: false,
    fence: undefined,
    ...more,
  })
  return found === undefined ? undefined : lineOf(found)
}

test.each<[string, string | undefined, ReturnType<typeof line>]>([
  ['alone', undefined, line(backup('a'), [])],
  [
    'after an older one',
    'Backup/b: comes first: never two backups of a system at once',
    line(backup('a', '2026-01-01T00:00:01Z'), [backup('b')]),
  ],
  [
    'after an older one that ended',
    undefined,
    line(backup('a', '2026-01-01T00:00:01Z'), [backup('b', undefined, 'Manual', { phase: 'Failed' })]),
  ],
  [
    'before an older one, for the safety of a restore',
    undefined,
    line(backup('a', '2026-01-01T00:00:01Z', 'Safety'), [backup('b')]),
  ],
  [
    'while a younger one works',
    'Backup/b: comes first: never two backups of a system at once',
    line(backup('a'), [backup('b', '2026-01-01T00:00:01Z')], { hasJob: (name) => name === 'b' }),
  ],
  [
    'while old backups are removed',
    'TodoChatbot/todo: old backups are being removed',
    line(backup('a'), [], { pruning: true }),
  ],
  [
    'while a restore is under way',
    'Restore/r: is under way; the backup is made when it has ended',
    line(backup('a'), [], { fence: 'Restore/r' }),
  ],
  [
    'for the safety of the restore that is under way',
    undefined,
    line(backup('a', undefined, 'Safety'), [], { fence: 'Restore/r' }),
  ],
  [
    'while Kafka is away',
    'TodoChatbot/todo: is not ready for a backup: the brokers do not answer',
    line(backup('a'), [], { bot: bot(ready('DatabaseReady'), ready('KafkaReady', 'False')) }),
  ],
  [
    'of a system nobody has looked at',
    'TodoChatbot/todo: is not ready for a backup: DatabaseReady is not known yet',
    line(backup('a'), [], { bot: bot() }),
  ],
])('a Backup %s waits for: %s', (_what, expected, found) => expect(found).toBe(expected))

test('whatever Backups a system has, at most one may begin', () => {
  const some = fc.array(
    fc.record({
      at: fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-01T00:00:01Z'),
      trigger: fc.constantFrom('Manual', 'Safety', 'Schedule'),
      phase: fc.constantFrom(undefined, 'Pending', 'Running', 'Failed', 'Succeeded'),
      job: fc.boolean(),
    }),
    { maxLength: 8 },
  )
  fc.assert(
    fc.property(some, (drafts) => {
      const backups = drafts.map(({ at, trigger, phase }, index) => backup(`b${index}`, at, trigger, { phase }))
      const working = drafts.findIndex(({ job, phase }) => job && phase === 'Running')
      const hasJob = (name: string): boolean => name === `b${working}`
      const may = backups.filter(
        (one, index) =>
          !['Failed', 'Succeeded'].includes(drafts[index]?.phase ?? '') &&
          waitsFor({ backup: one, backups, bot: up, hasJob, pruning: false, fence: undefined }) === undefined,
      )
      expect(may.length).toBeLessThanOrEqual(1)
    }),
  )
})
