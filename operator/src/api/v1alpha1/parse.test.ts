import { describe, expect, test } from 'vitest'
import { parse as fromYaml } from 'yaml'
import { wrongResources } from '../../../test/support/wrong-resources.ts'
import { aTodoChatbot } from '../../../test/support/builders.ts'
import { parseTodoChatbot } from './parse.ts'
import { describeProblems } from './problems.ts'

const object = (spec: unknown, name = 'todo') => ({
  apiVersion: 'todochatbot.dev/v1alpha1',
  kind: 'TodoChatbot',
  metadata: { name, namespace: 'todo-app', uid: 'u', generation: 1 },
  spec,
})

describe('the operator refuses on its own, should the API server not have', () => {
  test.each(wrongResources)('$what', ({ spec, name }) => {
    const parsed = parseTodoChatbot(object(fromYaml(spec) ?? {}, name))
    expect(parsed.ok).toBe(false)
    if (!parsed.ok)
      for (const { path, message } of parsed.problems)
        expect(`${path}: ${message}`).toMatch(/^(spec|metadata)[.\w[\]-]*: ./)
  })

  test('a duration in days that is out of range, which CEL cannot compute', () => {
    const parsed = parseTodoChatbot(object({ database: { statementTimeout: '1d' } }))
    expect(parsed).toEqual({
      ok: false,
      problems: [{ path: 'spec.database.statementTimeout', message: 'must lie between 100ms and 10m' }],
    })
  })

  test('a request above its limit', () => {
    const resources = { requests: { memory: '1Gi' }, limits: { memory: '512Mi' } }
    const parsed = parseTodoChatbot(object({ services: { audit: { resources } } }))
    expect(parsed).toEqual({
      ok: false,
      problems: [{ path: 'spec.services.audit.resources', message: 'a request must not exceed its limit' }],
    })
  })
})

test('a stored resource is read with its metadata, its spec and its status', () => {
  const bot = { ...aTodoChatbot({ profile: 'Staging' }), status: { observedGeneration: 1 } }
  expect(parseTodoChatbot(bot)).toEqual({ ok: true, bot })
})

test('a resource without a spec has the defaults', () => {
  const parsed = parseTodoChatbot(object(undefined))
  expect(parsed.ok && parsed.bot.spec).toEqual(aTodoChatbot().spec)
})

test('many problems are told in one line that stays short', () => {
  const problems = Array.from({ length: 7 }, (_, index) => ({
    path: `spec.a${String(index)}`,
    message: 'unknown field',
  }))
  expect(describeProblems(problems, 2)).toBe('spec.a0: unknown field; spec.a1: unknown field; and 5 more')
})
