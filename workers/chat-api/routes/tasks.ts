import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { HttpProblem } from '../../lib/http-errors.ts'
import type { Transaction } from '../../lib/postgres.ts'
import { TaskNotFound, TaskVersionMismatch } from '../../lib/task/errors.ts'
import type { TaskAction } from '../../lib/task/event.ts'
import { changeTask, insertTask, readTask } from '../../lib/task/store.ts'
import type { ChangeCause } from '../../lib/task/store.ts'
import type { Task } from '../../lib/task/task.ts'
import { completeTask, deleteTask, reopenTask } from '../../lib/task/transitions.ts'
import { readAccount } from '../accounts/account-store.ts'
import type { ChatApiDependencies } from '../dependencies.ts'
import { entityTag, expectedVersions, isCurrent } from '../entity-tag.ts'
import { keyedRequest, runOnce, sendAnswer, unknownUser } from '../idempotency.ts'
import type { Answer } from '../idempotency.ts'
import { mount } from '../operation.ts'
import { draftTask, patchTask, replaceTask } from '../tasks/draft.ts'
import { listTasks } from '../tasks/list.ts'
import {
  completeTaskOperation,
  createTaskOperation,
  deleteTaskOperation,
  getTaskOperation,
  listTasksOperation,
  patchTaskOperation,
  putTaskOperation,
  reopenTaskOperation,
} from './task-operations.ts'

/** Registers /api/v1/tasks. Every write is one transaction: key, task, event, answer. */
export function registerTaskRoutes(server: FastifyInstance, dependencies: ChatApiDependencies): void {
  const { database, authenticate, newId } = dependencies
  const idempotency = { database, retention: dependencies.settings.idempotencyRetention, now: dependencies.now }

  const cause = (request: FastifyRequest, userId: string): ChangeCause => ({
    actor: { type: 'user', id: userId },
    correlationId: request.context.correlationId,
    producer: dependencies.producer,
    now: dependencies.now().toISOString(),
  })

  /** One change of one task: If-Match, Idempotency-Key, transaction, answer. */
  const change = async (
    {
      request,
      reply,
      userId,
      params,
    }: { request: FastifyRequest; reply: FastifyReply; userId: string; params: { id: string } },
    action: Exclude<TaskAction, 'CREATED'>,
    apply: (tx: Transaction, now: string) => Promise<(task: Task) => Task> | ((task: Task) => Task),
  ): Promise<FastifyReply> => {
    const expected = expectedVersions(request.headers['if-match'])
    const address = { userId, taskId: params.id, ...(expected ? { expectedVersions: expected } : {}) }
    const answer = await runOnce(idempotency, keyedRequest(request, userId), async (tx) => {
      const why = cause(request, userId)
      const { task } = await changeTask(tx, address, action, await apply(tx, why.now), why)
      return action === 'DELETED' ? { status: 204, headers: {}, body: '' } : taskAnswer(200, task)
    }).catch(asProblem)
    return sendAnswer(reply, answer)
  }

  mount(server, createTaskOperation, authenticate, async ({ request, reply, userId, body }) => {
    const answer = await runOnce(idempotency, keyedRequest(request, userId), async (tx) => {
      const why = cause(request, userId)
      const account = await readAccount(tx, userId)
      if (!account) throw unknownUser()
      const draft = draftTask(body, { userId, now: why.now, timezone: account.timezone, newId, source: 'user' })
      const task = await insertTask(tx, draft, why)
      return taskAnswer(201, task, { location: `/api/v1/tasks/${task.id}` })
    })
    return sendAnswer(reply, answer)
  })

  mount(server, listTasksOperation, authenticate, ({ userId, query }) => listTasks(database, userId, query))

  mount(server, getTaskOperation, authenticate, async ({ request, reply, userId, params }) => {
    const task = await readTask(database, userId, params.id).catch(asProblem)
    void reply.header('etag', entityTag(task.version))
    return isCurrent(request.headers['if-none-match'], task.version) ? reply.code(304).send() : task
  })

  mount(server, patchTaskOperation, authenticate, (input) =>
    change(input, 'UPDATED', () => (task) => patchTask(task, input.body, newId)),
  )

  mount(server, putTaskOperation, authenticate, (input) =>
    change(input, 'UPDATED', async (tx) => {
      const account = await readAccount(tx, input.userId)
      if (!account) throw unknownUser()
      return (task) => replaceTask(task, input.body, { timezone: account.timezone, newId })
    }),
  )

  mount(server, deleteTaskOperation, authenticate, (input) =>
    change(input, 'DELETED', (_tx, now) => (task) => deleteTask(task, now)),
  )

  mount(server, completeTaskOperation, authenticate, (input) =>
    change(input, 'COMPLETED', (_tx, now) => (task) => completeTask(task, now)),
  )

  mount(server, reopenTaskOperation, authenticate, (input) => change(input, 'REOPENED', () => reopenTask))
}

function taskAnswer(status: number, task: Task, headers: Record<string, string> = {}): Answer {
  return { status, headers: { etag: entityTag(task.version), ...headers }, body: JSON.stringify(task) }
}

/** What the store refuses, as the caller is told. */
function asProblem(error: unknown): never {
  if (error instanceof TaskNotFound) throw new HttpProblem('NOT_FOUND', error.message)
  if (error instanceof TaskVersionMismatch) {
    throw new HttpProblem(
      'PRECONDITION_FAILED',
      `the task is at version ${error.currentVersion}; read it again and repeat the change`,
      { headers: { etag: entityTag(error.currentVersion) } },
    )
  }
  throw error
}
