import { pino } from 'pino'
import { beforeEach, expect, test } from 'vitest'
import type { KubeClient } from '../kube/client.ts'
import { KubeError } from '../kube/kube-error.ts'
import type { KubeObject } from '../kube/object.ts'
import { createEventRecorder } from './events.ts'
import type { EventInput, EventRecorderOptions } from './events.ts'

type Reason = 'KafkaUnreachable' | 'Ready'

const bot: KubeObject = {
  apiVersion: 'todochatbot.dev/v1alpha1',
  kind: 'TodoChatbot',
  metadata: { namespace: 'todo-app', name: 'todo', uid: 'uid-1' },
}
const event = (note: string): EventInput<Reason> => ({
  type: 'Warning',
  reason: 'KafkaUnreachable',
  action: 'Reconcile',
  note,
})

let created: KubeObject[]
let series: { name: string; count: number }[]
let present: number
let refusals: number

const unused = (): never => {
  throw new Error('not used by the recorder')
}
/** The API server's side of Events: what was written. */
const client: KubeClient = {
  get: unused,
  list: unused,
  replace: unused,
  apply: unused,
  delete: unused,
  create: (object) => {
    if (refusals > 0) {
      refusals -= 1
      return Promise.reject(new KubeError({ status: 403, reason: 'Forbidden', message: 'namespace is terminating' }))
    }
    created.push(object)
    return Promise.resolve(object)
  },
  patch: (_kind, { name }, patch) => {
    series.push({ name, count: (patch as { series: { count: number } }).series.count })
    return Promise.resolve(bot)
  },
}

const run = async (
  use: (record: (note: string) => void) => void,
  options: Partial<EventRecorderOptions> = {},
): Promise<void> => {
  const logger = pino({ level: 'silent' })
  const recorder = createEventRecorder<Reason>({
    client,
    logger,
    controller: 'todochatbot.dev/operator',
    instance: 'operator-0',
    now: () => present,
    ...options,
  })
  use((note) => recorder.record(bot, event(note)))
  // Aborted at once: what was recorded before is written at the end.
  await recorder.run(AbortSignal.abort())
}

beforeEach(() => {
  created = []
  series = []
  present = Date.parse('2026-11-23T10:00:00Z')
  refusals = 0
})

test('an event says what happened to which object, in the fields events.k8s.io/v1 demands', async () => {
  await run((record) => record('no broker answers at kafka:9092'))
  expect(created).toHaveLength(1)
  expect(created[0]).toMatchObject({
    apiVersion: 'events.k8s.io/v1',
    metadata: { namespace: 'todo-app' },
    eventTime: '2026-11-23T10:00:00.000000Z',
    type: 'Warning',
    reason: 'KafkaUnreachable',
    action: 'Reconcile',
    note: 'no broker answers at kafka:9092',
    regarding: { kind: 'TodoChatbot', name: 'todo', namespace: 'todo-app', uid: 'uid-1' },
    reportingController: 'todochatbot.dev/operator',
    reportingInstance: 'operator-0',
  })
})

test('the same event a thousand times within a minute is one event and one series', async () => {
  await run((record) => {
    for (let times = 0; times < 1000; times += 1) {
      record('no broker answers')
      present += 60
    }
  })
  expect(created).toHaveLength(1)
  expect(series).toEqual([{ name: created[0]?.metadata.name, count: 1000 }])
})

test('a state that lasts is told every few minutes, not at every look', async () => {
  await run((record) => {
    for (let second = 0; second < 3600; second += 1) {
      record('no broker answers')
      present += 1000
    }
  })
  expect(created).toHaveLength(1)
  expect(series.length).toBeLessThanOrEqual(12)
  expect(series.at(-1)?.count).toBe(3600)
})

test('messages that differ each time do not flood either', async () => {
  await run((record) => {
    for (let times = 0; times < 500; times += 1) record(`attempt ${times} failed`)
  })
  expect(created.length).toBeLessThanOrEqual(10)
  expect(series.at(-1)?.count).toBe(500 - created.length + 1)
})

test('an event that comes back after a long time is a new event', async () => {
  await run((record) => {
    record('no broker answers')
    present += 1_800_001
    record('no broker answers')
  })
  expect(created).toHaveLength(2)
})

test('a refused event is dropped and the next is written', async () => {
  refusals = 1
  await run((record) => {
    record('first')
    record('second')
  })
  expect(created.map(({ note }) => note)).toEqual(['second'])
})

test('a note is cut to what the API server allows, at a character', async () => {
  await run((record) => record('ä'.repeat(2000)))
  const note = String(created[0]?.['note'])
  expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1024)
  expect(note).toMatch(/^ä+…$/)
})

test('the queue is bounded: what does not fit is dropped', async () => {
  await run(
    (record) => {
      for (let times = 0; times < 50; times += 1) record(`note ${times}`)
    },
    { capacity: 3, burst: 100 },
  )
  expect(created).toHaveLength(3)
})
