import { describe, expect, test } from 'vitest'
import { aTodoChatbot } from '../../../test/support/builders.ts'
import type { KubeObject } from '../../api/v1alpha1/kubernetes.ts'
import type { TodoChatbot } from '../../api/v1alpha1/todochatbot.ts'
import { incidentObject } from '../incident/request.ts'
import { evidenceRequest, isolationsOf, nextLook, standingStill, type IsolationSources } from './isolations.ts'

const until = '2026-01-01T01:00:00Z'
const now = Date.parse('2026-01-01T00:30:00Z')
const isolated = { mode: 'Network', reason: 'looks odd', by: 'alice', until } as const
const bot = aTodoChatbot({ services: { audit: { isolated } } })
const deployment = (annotations: Record<string, string> = {}): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'todo-audit', annotations },
})
const look = (over: Partial<IsolationSources> = {}) =>
  isolationsOf({ bot, now, deployments: { audit: deployment() }, incidents: [], allowedBy: () => [], ...over })
const incident = (phase: string, annotations: Record<string, string> = {}, of: TodoChatbot = bot): KubeObject => {
  const [isolation] = look().current
  if (isolation === undefined) throw new Error('the worker is isolated')
  const object = incidentObject(of, evidenceRequest(of, isolation))
  const startedAt = '2026-01-01T00:29:50Z'
  return { ...object, metadata: { ...object.metadata, annotations }, status: { phase, startedAt, summary: 'so' } }
}

describe('an isolation that is asked for', () => {
  test('asks for evidence first', () =>
    expect(look().current).toMatchObject([{ worker: 'audit', inForce: false, evidence: undefined }]))

  test.each([
    ['Pending', false],
    ['Collecting', false],
    ['Succeeded', true],
    ['PartiallySucceeded', true],
    ['Failed', true],
  ])('with evidence that is %s is in force: %s', (phase, inForce) =>
    expect(look({ incidents: [incident(phase)] }).current).toMatchObject([{ inForce, evidence: { phase } }]),
  )

  test('is in force when its evidence does not come to an end', () => {
    const late = Date.parse('2026-01-01T00:33:00Z')
    const { current } = look({ incidents: [incident('Collecting')], now: late })
    expect(current).toMatchObject([{ inForce: true, evidence: { line: 'did not end within its deadline' } }])
  })

  test('is in force at once when there is nothing to take evidence of', () =>
    expect(look({ deployments: {} }).current).toMatchObject([{ inForce: true }]))

  test('stays in force when its Incident is deleted', () =>
    expect(
      look({ deployments: { audit: deployment({ 'todochatbot.dev/isolated': 'Network' }) } }).current,
    ).toMatchObject([{ inForce: true, evidence: undefined }]))

  test.each([
    ['of an isolation that has ended', incident('Succeeded', { 'todochatbot.dev/closed-at': until })],
    ['of a system of the same name that is gone', incident('Succeeded', {}, aTodoChatbot({}, { uid: 'former' }))],
    [
      'that a person asked for',
      { ...incident('Succeeded'), spec: { system: 'todo', worker: 'audit', trigger: 'Manual' } },
    ],
    [
      'of another worker',
      { ...incident('Succeeded'), spec: { system: 'todo', worker: 'notification', trigger: 'Isolation' } },
    ],
  ])('does not take an Incident %s for its own', (_what, other) =>
    expect(look({ incidents: [other] }).current).toMatchObject([{ inForce: false, evidence: undefined }]),
  )

  test('has no effect after its end, and is looked at again at that time', () => {
    expect(nextLook(look())).toBe(Date.parse(until))
    expect(look({ now: Date.parse(until) })).toEqual({ current: [], ending: [], toClose: [] })
  })

  test('is looked at again when its evidence should be there', () =>
    expect(nextLook(look({ incidents: [incident('Collecting')] }))).toBe(Date.parse('2026-01-01T00:32:20Z')))
})

test('what an isolation left behind is ended when nobody asks for it any more', () => {
  const marked = deployment({ 'todochatbot.dev/isolated': 'Network' })
  const { current, ending, toClose } = look({
    bot: aTodoChatbot(),
    deployments: { audit: marked },
    incidents: [incident('Succeeded')],
  })
  expect({ current, ending, toClose: toClose.length }).toEqual({ current: [], ending: ['audit'], toClose: 1 })
})

test('pods of a worker that is cut off must not change; those of one that is scaled down have none', () => {
  const incidents = [incident('Succeeded')]
  expect([...standingStill(look({ incidents }))]).toEqual(['audit'])
  const scaled = aTodoChatbot({ services: { audit: { isolated: { ...isolated, mode: 'ScaleDown' } } } })
  expect([...standingStill(look({ bot: scaled, incidents }))]).toEqual([])
})
