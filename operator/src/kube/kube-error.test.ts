import { expect, test } from 'vitest'
import { KubeError, errorOfResponse, errorOfStatus, isExpired, isTransient } from './kube-error.ts'

test('the reason, causes and Retry-After of a Status are kept', () => {
  const body = JSON.stringify({
    kind: 'Status',
    code: 422,
    reason: 'Invalid',
    message: 'spec.replicas: must be positive',
    details: { causes: [{ reason: 'FieldValueInvalid', field: 'spec.replicas' }] },
  })
  const error = errorOfResponse('PATCH', '/apis/apps/v1/deployments/x', 422, { 'retry-after': '3' }, body)
  expect(error).toMatchObject({ status: 422, reason: 'Invalid', retryAfterMs: 3000 })
  expect(error.causes[0]?.field).toBe('spec.replicas')
  expect(error.message).toContain('must be positive')
})

test.each(['<html>Bad gateway</html>', '', '{"kind":"Other"}', '[1]'])(
  'an answer that is no Status (%j) still has its code',
  (body) => {
    expect(errorOfResponse('GET', '/readyz', 502, {}, body)).toMatchObject({ status: 502, reason: 'Unknown' })
  },
)

test('tokens do not survive in messages', () => {
  const message = 'invalid Bearer abc.def-ghi and eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln'
  const error = new KubeError({ status: 401, reason: 'Unauthorized', message })
  expect(error.message).not.toMatch(/abc\.def|eyJ/)
})

test('a message that quotes a whole object is cut', () => {
  const error = new KubeError({ status: 422, reason: 'Invalid', message: 'x'.repeat(100_000) })
  expect(error.message.length).toBeLessThan(1100)
})

test.each([
  [0, true],
  [408, true],
  [429, true],
  [500, true],
  [503, true],
  [400, false],
  [403, false],
  [404, false],
  [409, false],
  [422, false],
])('HTTP %i is transient: %s', (status, expected) => {
  expect(isTransient(new KubeError({ status, reason: 'x', message: '' }))).toBe(expected)
})

test('both spellings of a version that is too old are recognised', () => {
  expect(isExpired(errorOfStatus({ kind: 'Status', code: 410, reason: 'Gone' }, 'watch'))).toBe(true)
  expect(isExpired(errorOfStatus({ kind: 'Status', reason: 'Expired' }, 'watch'))).toBe(true)
  expect(isExpired(new Error('410'))).toBe(false)
})
