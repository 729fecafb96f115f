import { describe, expect, test } from 'vitest'
import { aTodoChatbot, someFacts } from '../../test/support/builders.ts'
import { withDefaults } from '../api/v1alpha1/defaults.ts'
import type { TodoChatbotSpecInput } from '../api/v1alpha1/todochatbot.ts'
import { imageOf } from './image.ts'

const digest = `sha256:${'a'.repeat(64)}`
const image = (spec: TodoChatbotSpecInput, workers = 'registry.local:5000/todochatbot/workers:dev-1'): string => {
  const facts = someFacts()
  const bot = withDefaults(aTodoChatbot(spec))
  return imageOf(
    { bot, facts: { ...facts, images: { ...facts.images, workers } } },
    'workers',
    bot.spec.services.audit.image,
  ).image
}

describe('the image of a worker', () => {
  test.each([
    ['is what the operator was installed with', {}, 'registry.local:5000/todochatbot/workers:dev-1'],
    [
      'follows a version that is not the operator’s',
      { version: '0.2.0' },
      'registry.local:5000/todochatbot/workers:0.2.0',
    ],
    [
      'does not follow the operator’s own version, whose tag is known',
      { version: '0.1.0' },
      'registry.local:5000/todochatbot/workers:dev-1',
    ],
    [
      'moves to another registry with the same tag',
      { images: { workers: { repository: 'mirror/w' } } },
      'mirror/w:dev-1',
    ],
    [
      'takes another tag from the same registry',
      { images: { workers: { tag: 't' } } },
      'registry.local:5000/todochatbot/workers:t',
    ],
    ['takes a digest', { images: { workers: { digest } } }, `registry.local:5000/todochatbot/workers@${digest}`],
    [
      'prefers an explicit tag to the version',
      { version: '0.2.0', images: { workers: { tag: 't' } } },
      'registry.local:5000/todochatbot/workers:t',
    ],
    [
      'can be overridden for one worker',
      { images: { workers: { repository: 'mirror/w', tag: 't' } }, services: { audit: { image: { tag: 'fix' } } } },
      'mirror/w:fix',
    ],
  ] satisfies [string, TodoChatbotSpecInput, string][])('%s', (_what, spec, expected) =>
    expect(image(spec)).toBe(expected),
  )

  test('keeps a digest the operator was installed with when only the repository is overridden', () =>
    expect(image({ images: { workers: { repository: 'mirror/w' } } }, `a/b@${digest}`)).toBe(`mirror/w@${digest}`))
})

test('the pull policy of one worker wins over the general one', () => {
  const bot = withDefaults(aTodoChatbot({ images: { workers: { pullPolicy: 'Always' } } }))
  const input = { bot, facts: someFacts() }
  expect(imageOf(input, 'workers').imagePullPolicy).toBe('Always')
  expect(imageOf(input, 'workers', { tag: 'a' }).imagePullPolicy).toBe('Always')
  expect(imageOf(input, 'workers', { pullPolicy: 'Never' }).imagePullPolicy).toBe('Never')
  expect(imageOf(input, 'kafka').imagePullPolicy).toBe('IfNotPresent')
})
