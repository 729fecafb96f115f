import { describe, expect, test } from 'vitest'
import { emptyReport, type KafkaReport } from '../kafka/kafka-report.ts'
import { answer, type MetricValue } from './api.ts'
import { labelSelector } from './label-selector.ts'
import { lagValues } from './lag-values.ts'

const at = Date.parse('2026-01-01T00:00:00Z')
const value = (worker: string, lag: number): MetricValue => ({ labels: { system: 'todo', worker }, value: lag, at })
const ask = (target: string) =>
  answer(target, (namespace) => (namespace === 'todo-app' ? [value('audit', 7), value('notification', 0)] : []))
const root = '/apis/external.metrics.k8s.io/v1beta1'
const lag = `${root}/namespaces/todo-app/todochatbot-consumer-lag`

describe('the external metrics API', () => {
  test('lists what it serves', () => {
    expect(ask(root)).toMatchObject({
      code: 200,
      body: { kind: 'APIResourceList', resources: [{ name: 'todochatbot-consumer-lag', namespaced: true }] },
    })
  })

  test('answers an autoscaler with the values its selector picks', () => {
    expect(ask(`${lag}?labelSelector=system%3Dtodo%2Cworker%3Daudit`)).toEqual({
      code: 200,
      body: {
        kind: 'ExternalMetricValueList',
        apiVersion: 'external.metrics.k8s.io/v1beta1',
        metadata: {},
        items: [
          {
            metricName: 'todochatbot-consumer-lag',
            metricLabels: { system: 'todo', worker: 'audit' },
            timestamp: '2026-01-01T00:00:00Z',
            value: '7',
          },
        ],
      },
    })
  })

  test('shows nothing of other namespaces', () => {
    expect(ask(lag.replace('todo-app', 'elsewhere')).body).toMatchObject({ items: [] })
  })

  test.each([
    { name: 'a metric it does not have', target: `${root}/namespaces/todo-app/cpu`, code: 404, says: /no metric cpu/ },
    { name: 'a path it does not have', target: '/apis', code: 404, says: /not served/ },
    { name: 'a selector that is none', target: `${lag}?labelSelector=%3D%3D`, code: 400, says: /"=="/ },
  ])('refuses $name and says so', ({ target, code, says }) => {
    expect(ask(target)).toMatchObject({ code, body: { kind: 'Status', code, message: expect.stringMatching(says) } })
  })
})

test.each([
  { selector: '', fits: true },
  { selector: 'worker=audit', fits: true },
  { selector: 'worker == audit', fits: true },
  { selector: 'worker!=audit', fits: false },
  { selector: 'worker in (chat-api, audit),system', fits: true },
  { selector: 'worker notin (audit)', fits: false },
  { selector: '!system', fits: false },
  { selector: 'absent=', fits: false },
])('the selector "$selector" fits: $fits', ({ selector, fits }) => {
  expect(labelSelector(selector)({ system: 'todo', worker: 'audit' })).toBe(fits)
})

test('lag is told exactly, and not at all while the brokers do not answer', () => {
  const report: KafkaReport = {
    ...emptyReport,
    at,
    consumers: {
      audit: {
        group: 'g',
        state: 'Stable',
        members: [],
        topics: [
          {
            topic: 'events',
            committed: 0,
            end: 1234,
            lag: 1234,
            maxPartitionLag: 9,
            partitions: [],
            shown: 1200,
            rounded: 1200,
          },
        ],
      },
    },
  }
  expect(lagValues('todo', report)).toEqual([
    { labels: { system: 'todo', worker: 'audit', topic: 'events' }, value: 1234, at },
  ])
  expect(lagValues('todo', { ...report, unreachable: 'gone' })).toEqual([])
  expect(lagValues('todo', undefined)).toEqual([])
})
