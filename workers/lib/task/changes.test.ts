import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { diffTasks } from './changes.ts'
import { taskEventDataSchema, taskEventData } from './event.ts'
import { taskSchema } from './task.ts'
import type { Task } from './task.ts'
import { completeTask, deleteTask, reopenTask } from './transitions.ts'

const instant = fc
  .date({ min: new Date(0), max: new Date('9999-12-30'), noInvalidDate: true })
  .map((date) => date.toISOString())
const nullable = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { nil: null })
const uuid = fc.uuid()
const line = fc.string({ minLength: 1, maxLength: 40 }).map((text) => `t${text.replace(/\s/g, '_')}`)

const reminder = fc.oneof(
  fc.record({ id: uuid, type: fc.constant('relative' as const), offset: fc.constantFrom('-PT30M', 'PT0S', '-P1D') }),
  fc.record({ id: uuid, type: fc.constant('absolute' as const), at: instant }),
)

const task: fc.Arbitrary<Task> = fc
  .record({
    id: uuid,
    userId: uuid,
    title: line,
    description: line,
    completedAt: nullable(instant),
    priority: fc.constantFrom('HIGH', 'MEDIUM', 'LOW', 'NONE'),
    tags: fc.uniqueArray(line, { maxLength: 5 }),
    dueAt: nullable(instant),
    timezone: fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kolkata'),
    recurrence: nullable(
      fc.record({
        rrule: fc.constantFrom('FREQ=DAILY', 'FREQ=WEEKLY'),
        anchor: fc.constantFrom('due', 'completion'),
        seriesId: uuid,
        recurrenceId: fc.constant('2026-01-27T09:00:00'),
        count: fc.integer({ min: 1, max: 99 }),
      }),
    ),
    reminders: fc.array(reminder, { maxLength: 3 }),
    version: fc.integer({ min: 1, max: 1_000_000 }),
    createdAt: instant,
    updatedAt: instant,
    deletedAt: nullable(instant),
    source: fc.constantFrom('user', 'chat', 'recurrence'),
  })
  .map((fields): Task => ({ ...fields, status: fields.completedAt === null ? 'open' : 'completed' }))
  .map((fields) => JSON.parse(JSON.stringify(fields)) as Task)

const bookkeeping = new Set(['version', 'updatedAt'])
const facts = (value: Task): Record<string, unknown> =>
  Object.fromEntries(Object.entries(value).filter(([field]) => !bookkeeping.has(field)))

describe('the changes of a task', () => {
  it('turn the old state into the new one, and name nothing that did not change', () => {
    fc.assert(
      fc.property(task, task, (before, after) => {
        const changes = diffTasks(before, after)
        const news = Object.fromEntries(Object.entries(changes).map(([field, change]) => [field, change.new]))
        expect({ ...facts(before), ...news }).toEqual(facts(after))
        for (const [field, change] of Object.entries(changes)) {
          expect(change.old).toEqual(before[field as keyof Task])
          expect(change.old).not.toEqual(change.new)
        }
      }),
    )
  })

  it('are empty for two equal states, whatever their version', () => {
    fc.assert(
      fc.property(task, (state) => {
        expect(diffTasks(state, structuredClone({ ...state, version: state.version + 1 }))).toEqual({})
      }),
    )
  })

  it('of a creation name every field that is set, with nothing before it', () => {
    fc.assert(
      fc.property(task, (created) => {
        const changes = diffTasks(undefined, created)
        for (const [field, value] of Object.entries(facts(created))) {
          expect(changes[field]).toEqual(value === null ? undefined : { old: null, new: value })
        }
      }),
    )
  })

  it('fit an event that survives JSON and its own schema', () => {
    fc.assert(
      fc.property(task, task, (before, after) => {
        const data = taskEventData('UPDATED', after, diffTasks(before, after), {
          actor: { type: 'user', id: after.userId },
          correlationId: 'c',
        })
        expect(taskEventDataSchema.parse(JSON.parse(JSON.stringify(data)))).toEqual(data)
      }),
    )
  })
})

describe('transitions', () => {
  const now = '2026-01-14T09:00:00.000Z'

  it('return the very same task when there is nothing to do', () => {
    fc.assert(
      fc.property(task, (state) => {
        expect(completeTask(completeTask(state, now), '2027-01-01T00:00:00.000Z')).toEqual(completeTask(state, now))
        expect(reopenTask(reopenTask(state))).toEqual(reopenTask(state))
        expect(deleteTask(deleteTask(state, now), '2027-01-01T00:00:00.000Z')).toEqual(deleteTask(state, now))
      }),
    )
  })

  it('keep a task valid', () => {
    fc.assert(
      fc.property(task, (state) => {
        for (const next of [completeTask(state, now), reopenTask(state), deleteTask(state, now)]) {
          expect(taskSchema.safeParse(next).error).toBeUndefined()
          expect(next.completedAt === null).toBe(next.status === 'open')
        }
      }),
    )
  })
})
