import { z } from 'zod'
import { taskSchema } from '../../lib/task/task.ts'
import { defineOperation } from '../operation.ts'
import type { ResponseShape } from '../operation.ts'
import { listQuery, taskInput, taskPatch, taskPath } from '../tasks/requests.ts'

const none = z.strictObject({})
const keyHeader = { 'Idempotency-Key': 'Makes a retry safe: the same key and request get the stored answer.' }
const changeHeaders = { ...keyHeader, 'If-Match': 'ETag of the version to change; any other version gets 412.' }
const tagged = { ETag: 'Version of the task.' }
const notFound: ResponseShape = { description: 'No such task of this user.' }
const changeResponses = (description: string): Record<number, ResponseShape> => ({
  200: { description, schema: taskSchema, headers: tagged },
  404: notFound,
  412: { description: 'The task has another version than If-Match names.' },
  422: { description: 'The Idempotency-Key was used for another request.' },
})

/** POST /api/v1/tasks */
export const createTaskOperation = defineOperation({
  id: 'createTask',
  method: 'POST',
  path: '/api/v1/tasks',
  summary: 'Create a task',
  tag: 'tasks',
  authenticated: true,
  requestHeaders: keyHeader,
  params: none,
  query: none,
  body: taskInput,
  responses: {
    201: { description: 'The task.', schema: taskSchema, headers: { ...tagged, Location: 'Path of the task.' } },
    422: { description: 'The Idempotency-Key was used for another request.' },
  },
})

/** GET /api/v1/tasks */
export const listTasksOperation = defineOperation({
  id: 'listTasks',
  method: 'GET',
  path: '/api/v1/tasks',
  summary: 'List tasks, a page at a time',
  tag: 'tasks',
  authenticated: true,
  params: none,
  query: listQuery,
  responses: {
    200: {
      description: 'A page of tasks.',
      schema: z.strictObject({ items: z.array(taskSchema), nextCursor: z.string().nullable() }),
    },
  },
})

/** GET /api/v1/tasks/{id} */
export const getTaskOperation = defineOperation({
  id: 'getTask',
  method: 'GET',
  path: '/api/v1/tasks/{id}',
  summary: 'Read a task',
  tag: 'tasks',
  authenticated: true,
  requestHeaders: { 'If-None-Match': 'ETag the client has; the same version gets 304.' },
  params: taskPath,
  query: none,
  responses: {
    200: { description: 'The task.', schema: taskSchema, headers: tagged },
    304: { description: 'The client has this version.' },
    404: notFound,
  },
})

/** PATCH /api/v1/tasks/{id} */
export const patchTaskOperation = defineOperation({
  id: 'patchTask',
  method: 'PATCH',
  path: '/api/v1/tasks/{id}',
  summary: 'Change some fields of a task',
  tag: 'tasks',
  authenticated: true,
  requestHeaders: changeHeaders,
  params: taskPath,
  query: none,
  body: taskPatch,
  responses: changeResponses('The task after the change; unchanged when the patch changes nothing.'),
})

/** PUT /api/v1/tasks/{id} */
export const putTaskOperation = defineOperation({
  id: 'putTask',
  method: 'PUT',
  path: '/api/v1/tasks/{id}',
  summary: 'Replace the editable fields of a task',
  tag: 'tasks',
  authenticated: true,
  requestHeaders: changeHeaders,
  params: taskPath,
  query: none,
  body: taskInput,
  responses: changeResponses('The task after the change.'),
})

/** DELETE /api/v1/tasks/{id} */
export const deleteTaskOperation = defineOperation({
  id: 'deleteTask',
  method: 'DELETE',
  path: '/api/v1/tasks/{id}',
  summary: 'Delete a task; its history stays in the audit trail',
  tag: 'tasks',
  authenticated: true,
  requestHeaders: changeHeaders,
  params: taskPath,
  query: none,
  responses: {
    204: { description: 'The task is deleted.' },
    404: notFound,
    412: { description: 'The task has another version than If-Match names.' },
  },
})

/** POST /api/v1/tasks/{id}/complete */
export const completeTaskOperation = defineOperation({
  id: 'completeTask',
  method: 'POST',
  path: '/api/v1/tasks/{id}/complete',
  summary: 'Complete a task; a repeating one gets its next instance',
  tag: 'tasks',
  authenticated: true,
  requestHeaders: changeHeaders,
  params: taskPath,
  query: none,
  responses: changeResponses('The completed task; completing it again changes nothing.'),
})

/** POST /api/v1/tasks/{id}/reopen */
export const reopenTaskOperation = defineOperation({
  id: 'reopenTask',
  method: 'POST',
  path: '/api/v1/tasks/{id}/reopen',
  summary: 'Reopen a completed task',
  tag: 'tasks',
  authenticated: true,
  requestHeaders: changeHeaders,
  params: taskPath,
  query: none,
  responses: changeResponses('The open task.'),
})
