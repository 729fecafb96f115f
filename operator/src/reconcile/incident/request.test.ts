import { expect, test } from 'vitest'
import { aTodoChatbot } from '../../../test/support/builders.ts'
import { incidentSpecSchema } from '../../api/v1alpha1/incident.ts'
import { incidentName, incidentObject, progressOf, type IncidentRequest } from './request.ts'

const bot = aTodoChatbot()
const request: IncidentRequest = { worker: 'audit', trigger: 'Remediation', id: 'a1', reason: 'CrashLoop' }
const createdAt = Date.parse('2026-01-01T00:00:00Z')
const incident = (status: object = {}) => ({
  ...incidentObject(bot, request),
  metadata: { ...incidentObject(bot, request).metadata, creationTimestamp: '2026-01-01T00:00:00Z' },
  status,
})

test('the same occasion always has the same Incident, and another one, or another system of the same name, has another', () => {
  const name = incidentName(bot, request)
  expect(incidentName(bot, { ...request })).toBe(name)
  expect(incidentName(bot, { ...request, id: 'a2' })).not.toBe(name)
  expect(incidentName(bot, { ...request, trigger: 'Isolation' })).not.toBe(name)
  expect(incidentName(aTodoChatbot({}, { uid: 'other' }), request)).not.toBe(name)
})

test('the longest names fit', () => {
  const longest = incidentName(aTodoChatbot({}, { name: 'a'.repeat(30) }), { ...request, worker: 'recurring-task' })
  expect(longest.length).toBeLessThanOrEqual(54)
})

test('an Incident that is asked for is one that the schema accepts', () =>
  expect(incidentSpecSchema.safeParse(incidentObject(bot, { ...request, by: 'remediation' })['spec']).success).toBe(
    true,
  ))

test.each([
  ['that does not exist yet is waited for', undefined, 0, false],
  ['that was just made is waited for', {}, 1_000, false],
  ['that collects is waited for', { phase: 'Collecting', startedAt: '2026-01-01T00:00:00Z' }, 100_000, false],
  ['that succeeded is not', { phase: 'Succeeded' }, 1_000, true],
  ['that failed is not either', { phase: 'Failed' }, 1_000, true],
  ['that should have ended long ago is not waited for', { phase: 'Collecting' }, 150_000, true],
  ['nobody ever worked on is not waited for', {}, 150_000, true],
])('an Incident %s', (_what, status, after, settled) =>
  expect(progressOf('x', status === undefined ? undefined : incident(status), createdAt + after).settled).toBe(settled),
)
