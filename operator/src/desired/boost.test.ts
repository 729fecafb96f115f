import { expect, test } from 'vitest'
import { boosted } from './boost.ts'

const until = { reason: 'month end', until: '2026-12-01T00:00:00Z' }
const ordinary = { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } }

test.each([
  [
    'memory is requested and limited alike',
    ordinary,
    { memory: '1Gi' },
    { requests: { cpu: '100m', memory: '1Gi' }, limits: { memory: '1Gi' } },
  ],
  [
    'a boost below the ordinary limit lowers nothing',
    ordinary,
    { memory: '64Mi' },
    { requests: { cpu: '100m', memory: '256Mi' }, limits: { memory: '256Mi' } },
  ],
  [
    'CPU is requested, and limited only where it was',
    ordinary,
    { cpu: '500m' },
    { requests: { cpu: '500m', memory: '128Mi' }, limits: { memory: '256Mi' } },
  ],
  [
    'a CPU limit rises with the request, and a higher one stays',
    { requests: { cpu: '100m' }, limits: { cpu: '200m' } },
    { cpu: '0.5' },
    { requests: { cpu: '500m' }, limits: { cpu: '500m' } },
  ],
])('%s', (_what, resources, boost, expected) => expect(boosted(resources, { ...boost, ...until })).toEqual(expected))
