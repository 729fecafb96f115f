import { expect, test } from 'vitest'
import type { KubeObject } from '../../kube/object.ts'
import { priorityOf } from './priority.ts'

const system = (status: object | undefined, deletionTimestamp?: string): KubeObject => ({
  apiVersion: 'todochatbot.dev/v1alpha1',
  kind: 'TodoChatbot',
  metadata: { namespace: 'todo-app', name: 'todo', ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) },
  ...(status === undefined ? {} : { status }),
})
const begun = { observedGeneration: 1 }
const untouched = { observedGeneration: -1 }

test.each([
  ['one that was just created waits for those under way', 'upsert', system(untouched), false, 'new'],
  ['so does one that had no status at all', 'upsert', system(undefined), false, 'new'],
  ['and one that a starting operator finds untouched', 'upsert', system(untouched), true, 'new'],
  ['one that a starting operator finds begun waits for changes only', 'upsert', system(begun), true, 'low'],
  ['an edit waits for nothing', 'upsert', system(begun), false, 'high'],
  ['nor does a removal before the beginning', 'upsert', system(untouched, '2026-01-05T10:00:00Z'), false, 'high'],
  ['nor what is gone', 'delete', system(untouched), false, 'high'],
] as const)('%s', (_, type, object, initial, priority) => {
  expect(priorityOf({ type, object, initial })).toBe(priority)
})
