import { describe, expect, it } from 'vitest'
import type { Reminder, Task } from '../lib/task/task.ts'
import { planReminders } from './plan.ts'
import type { StoredReminder } from './plan.ts'

const relative: Reminder = { id: '11111111-1111-4111-8111-111111111111', type: 'relative', offset: '-PT30M' }
const absolute: Reminder = {
  id: '22222222-2222-4222-8222-222222222222',
  type: 'absolute',
  at: '2026-01-04T19:00:00.000Z',
}
const halfPastEight = '2026-01-05T08:30:00.000Z'

function task(fields: Partial<Task> = {}): Task {
  return {
    id: '33333333-3333-4333-8333-333333333333',
    userId: '44444444-4444-4444-8444-444444444444',
    title: 'Call',
    description: '',
    status: 'open',
    completedAt: null,
    priority: 'NONE',
    tags: [],
    dueAt: '2026-01-05T09:00:00.000Z',
    timezone: 'UTC',
    recurrence: null,
    reminders: [relative],
    version: 2,
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
    deletedAt: null,
    source: 'user',
    ...fields,
  }
}

const stored = (state: StoredReminder['state'], scheduledFor = halfPastEight): StoredReminder[] => [
  { id: relative.id, scheduledFor, state },
]
const at = (id: string, scheduledFor: string): { id: string; scheduledFor: string } => ({ id, scheduledFor })
const before = '2026-01-05T08:00:00.000Z'
const after = '2026-01-05T10:00:00.000Z'
const done: Partial<Task> = { status: 'completed', completedAt: before }

/** Task, what is stored, when the change was made; what has to be scheduled and cancelled. */
const cases: [string, Task, StoredReminder[], string, ReturnType<typeof planReminders>][] = [
  [
    'schedules a new reminder at its offset from the due time',
    task(),
    [],
    before,
    { schedule: [at(relative.id, halfPastEight)], cancel: [] },
  ],
  [
    'schedules an absolute reminder of a task without due time, and no relative one',
    task({ dueAt: null, reminders: [relative, absolute] }),
    [],
    before,
    { schedule: [at(absolute.id, '2026-01-04T19:00:00.000Z')], cancel: [] },
  ],
  [
    'schedules a new reminder even when its time has passed',
    task(),
    [],
    after,
    { schedule: [at(relative.id, halfPastEight)], cancel: [] },
  ],
  ['leaves a pending reminder of the same time alone', task(), stored('pending'), before, { schedule: [], cancel: [] }],
  [
    'moves a pending reminder with the due time',
    task({ dueAt: '2026-01-06T09:00:00.000Z' }),
    stored('pending'),
    before,
    { schedule: [at(relative.id, '2026-01-06T08:30:00.000Z')], cancel: [] },
  ],
  [
    'cancels what is pending of a completed task',
    task(done),
    stored('pending'),
    before,
    { schedule: [], cancel: [at(relative.id, halfPastEight)] },
  ],
  [
    'cancels what is pending of a deleted task',
    task({ deletedAt: before }),
    stored('pending'),
    before,
    { schedule: [], cancel: [at(relative.id, halfPastEight)] },
  ],
  [
    'cancels a reminder that was removed',
    task({ reminders: [] }),
    stored('pending'),
    before,
    { schedule: [], cancel: [at(relative.id, halfPastEight)] },
  ],
  [
    'cancels a relative reminder whose task lost its due time',
    task({ dueAt: null }),
    stored('pending'),
    before,
    { schedule: [], cancel: [at(relative.id, halfPastEight)] },
  ],
  ['does not cancel what has fired', task(done), stored('fired'), after, { schedule: [], cancel: [] }],
  ['does not fire again at the same time', task(), stored('fired'), before, { schedule: [], cancel: [] }],
  [
    'fires again when the due time moves into the future',
    task({ dueAt: '2026-01-06T09:00:00.000Z' }),
    stored('fired'),
    after,
    { schedule: [at(relative.id, '2026-01-06T08:30:00.000Z')], cancel: [] },
  ],
  [
    'does not fire again when the due time moves about in the past',
    task({ dueAt: '2026-01-05T07:00:00.000Z' }),
    stored('fired'),
    after,
    { schedule: [], cancel: [] },
  ],
  [
    'comes back with a task that is reopened before its time',
    task(),
    stored('cancelled'),
    before,
    { schedule: [at(relative.id, halfPastEight)], cancel: [] },
  ],
  [
    'stays cancelled when the task is reopened after its time',
    task(),
    stored('cancelled'),
    after,
    { schedule: [], cancel: [] },
  ],
]

describe('planReminders', () => {
  it.each(cases)('%s', (_, newest, known, changedAt, plan) => {
    expect(planReminders(newest, known, changedAt)).toEqual(plan)
  })
})
