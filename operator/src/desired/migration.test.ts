import { describe, expect, test } from 'vitest'
import { aTodoChatbot, externalSpec, find, someFacts } from '../../test/support/builders.ts'
import type { TodoChatbotSpecInput } from '../api/v1alpha1/todochatbot.ts'
import { desire, migrationJobName } from './index.ts'

const job = (spec: TodoChatbotSpecInput, annotations = {}): string =>
  migrationJobName(aTodoChatbot(spec, { annotations }), someFacts())

describe('the migrations run', () => {
  test.each<[string, TodoChatbotSpecInput, boolean]>([
    ['for another version', { version: '0.2.0' }, true],
    ['for another image', { images: { workers: { tag: 'dev-2' } } }, true],
    ['not for another number of pods', { services: { audit: { replicas: 3 } } }, false],
    [
      'not for other resources or log levels',
      { services: { chatApi: { logLevel: 'error', resources: { limits: { memory: '1Gi' } } } } },
      false,
    ],
    ['not for a restart', { services: { audit: { restartedAt: '1' } } }, false],
  ])('%s', (_what, spec, expected) => expect(job(spec) !== job({})).toBe(expected))

  test('for another database', () => {
    const other = { ...externalSpec, database: { mode: 'External' as const, secretRef: { name: 'other' } } }
    expect(job(other)).not.toBe(job(externalSpec))
  })

  test('again when an admin asks for it', () =>
    expect(job({}, { 'todochatbot.dev/retry-migration': '1' })).not.toBe(job({})))
})

test('the Job has the name that is waited for, gives up in the end, and sees both connection strings as files', () => {
  const objects = desire(aTodoChatbot(externalSpec), someFacts())
  const { spec } = find(objects, 'Job', job(externalSpec)) as unknown as {
    spec: {
      backoffLimit: number
      activeDeadlineSeconds: number
      template: { spec: { volumes: unknown[]; restartPolicy: string } }
    }
  }
  expect(spec.activeDeadlineSeconds).toBeGreaterThan(0)
  expect(spec.backoffLimit).toBeGreaterThan(0)
  expect(spec.template.spec.restartPolicy).toBe('Never')
  expect(spec.template.spec.volumes).toContainEqual({
    name: 'secrets',
    secret: {
      secretName: 'my-database',
      defaultMode: 0o440,
      items: [
        { key: 'ownerUri', path: 'databaseOwnerUri' },
        { key: 'uri', path: 'databaseUri' },
      ],
    },
  })
})
