import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Selection } from './config.ts'
import { glimpse, isSelected } from './selection.ts'

const record = { partition: 1, offset: 10, timestamp: 1_000, key: 'ada' }
const event = { id: 'e-1', type: 'com.todo.task.created' }

test.each<[string, Selection, boolean]>([
  ['nothing named', {}, true],
  ['its partition', { partitions: [0, 1] }, true],
  ['another partition', { partitions: [0] }, false],
  ['its offset as the first', { offsets: { from: 10 } }, true],
  ['its offset as the end, which is not included', { offsets: { to: 10 } }, false],
  ['its time as the first', { time: { from: 1_000 } }, true],
  ['its time as the end, which is not included', { time: { from: 0, to: 1_000 } }, false],
  ['its key', { keys: ['bob', 'ada'] }, true],
  ['another key', { keys: ['bob'] }, false],
  ['its type', { types: ['com.todo.task.created'] }, true],
  ['another type', { types: ['com.todo.task.deleted'] }, false],
  ['its event', { eventIds: ['e-1'] }, true],
  ['its key and another type', { keys: ['ada'], types: ['com.todo.task.deleted'] }, false],
])('%s: selected or not', (_what, selection, selected) => {
  expect(isSelected(selection, record, event)).toBe(selected)
})

test('a record without a key, or that holds no event, is only taken by selections that ask for neither', () => {
  const nothing = { ...record, key: null }
  expect(isSelected({}, nothing, glimpse('\u0000 no event'))).toBe(true)
  expect(isSelected({ keys: ['ada'] }, nothing, event)).toBe(false)
  expect(isSelected({ types: [event.type] }, record, glimpse('[]'))).toBe(false)
})

test('looking into a value never fails and finds what is there', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (value) => {
      expect(Object.keys(glimpse(value))).toEqual(['id', 'type'])
    }),
  )
  expect(glimpse(JSON.stringify({ id: 'a', type: 'b' }))).toEqual({ id: 'a', type: 'b' })
})
