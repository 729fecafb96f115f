import type { FastifyInstance } from 'fastify'
import { Temporal } from 'temporal-polyfill'
import { z } from 'zod'
import type { Transaction } from '../../lib/postgres.ts'
import { TaskNotFound } from '../../lib/task/errors.ts'
import type { TaskAction } from '../../lib/task/event.ts'
import { zoneField } from '../../lib/task/fields.ts'
import { changeTask, insertTask } from '../../lib/task/store.ts'
import type { ChangeCause } from '../../lib/task/store.ts'
import { taskSchema } from '../../lib/task/task.ts'
import type { Task } from '../../lib/task/task.ts'
import { completeTask, deleteTask, reopenTask } from '../../lib/task/transitions.ts'
import { readAccount } from '../accounts/account-store.ts'
import type { AddCommand, Command, TaskVerb } from '../chat/command.ts'
import { decide } from '../chat/decision.ts'
import type { Decision } from '../chat/decision.ts'
import { openMemory } from '../chat/memory.ts'
import type { ChatMemory } from '../chat/memory.ts'
import { parseMessage } from '../chat/parse.ts'
import { added, done, nextInstances, titles } from '../chat/wording.ts'
import type { ChatApiDependencies } from '../dependencies.ts'
import { keyedRequest, runOnce, sendAnswer, unknownUser } from '../idempotency.ts'
import type { Answer } from '../idempotency.ts'
import { defineOperation, mount } from '../operation.ts'
import { draftTask } from '../tasks/draft.ts'

const sessionField = z
  .string()
  .regex(/^[A-Za-z0-9._:-]{1,64}$/, { error: 'must be 1 to 64 letters, digits or . _ : -' })

const chatReply = z.strictObject({
  reply: z.string(),
  intent: z.enum(['add', 'list', 'complete', 'reopen', 'delete', 'choose', 'confirm', 'cancel', 'help', 'unclear']),
  parsed: z.record(z.string(), z.unknown()).describe('What was understood, with instants in UTC.'),
  taskIds: z.array(z.uuid()).describe('Tasks the reply is about, in the order of its numbers.'),
  tasks: z.array(taskSchema).optional(),
  sessionId: z.string(),
  needsConfirmation: z.boolean().optional().describe('The reply is a question; answer in the same session.'),
})

type ChatReply = z.infer<typeof chatReply>

/** POST /api/v1/chat */
export const chatOperation = defineOperation({
  id: 'chat',
  method: 'POST',
  path: '/api/v1/chat',
  summary: 'Add, list, complete, reopen and delete tasks in plain English',
  tag: 'chat',
  authenticated: true,
  requestHeaders: { 'Idempotency-Key': 'Makes a retry safe: the same key and message get the stored reply.' },
  params: z.strictObject({}),
  query: z.strictObject({}),
  body: z.strictObject({
    message: z.string().trim().min(1).max(2000),
    sessionId: sessionField.default('default').describe('What "the second one" refers to is remembered per session.'),
    timezone: zoneField.optional().describe('Zone the dates of the message are meant in; default: the account’s.'),
  }),
  responses: {
    200: { description: 'The reply.', schema: chatReply },
    422: { description: 'The Idempotency-Key was used for another request.' },
  },
})

const actions: Readonly<Record<TaskVerb, Exclude<TaskAction, 'CREATED'>>> = {
  complete: 'COMPLETED',
  reopen: 'REOPENED',
  delete: 'DELETED',
}

/** Registers the chat. A message is read, decided upon, and its changes are made in one transaction with their events. */
export function registerChatRoute(server: FastifyInstance, dependencies: ChatApiDependencies): void {
  const { database, settings, newId, logger } = dependencies
  const idempotency = { database, retention: settings.idempotencyRetention, now: dependencies.now }

  mount(server, chatOperation, dependencies.authenticate, async ({ request, reply, userId, body }) => {
    const account = await readAccount(database, userId)
    if (!account) throw unknownUser()
    const now = dependencies.now()
    const zone = body.timezone ?? account.timezone
    const command = parseMessage(body.message, { now: Temporal.Instant.fromEpochMilliseconds(now.getTime()), zone })
    const memory = openMemory(
      dependencies.stateStore,
      { userId, sessionId: body.sessionId },
      { ttl: settings.chatMemory, logger },
    )
    const decision = await decide(command, { db: database, userId, zone, memory })
    const cause: ChangeCause = {
      actor: { type: 'chat', id: userId },
      correlationId: request.context.correlationId,
      producer: dependencies.producer,
      now: now.toISOString(),
    }
    const { sessionId } = body
    const answerOf = (outcome: Outcome): Answer => ({
      status: 200,
      headers: {},
      body: JSON.stringify({ ...outcome, intent: command.intent, sessionId } satisfies ChatReply),
    })
    const keyed = keyedRequest(request, userId)
    if (decision.kind === 'say') {
      const answer = answerOf(await speak(command, decision, memory))
      if (keyed.key === undefined) return sendAnswer(reply, { ...answer, replayed: false })
      return sendAnswer(reply, await runOnce(idempotency, keyed, () => Promise.resolve(answer)))
    }
    let recentId: string | null = null
    const answer = await runOnce(idempotency, keyed, async (tx) => {
      const outcome =
        decision.kind === 'add'
          ? await addTask(tx, decision.command, { cause, userId, zone, newId })
          : await act(tx, decision, understood(command), { cause, userId })
      recentId = outcome.taskIds.length === 1 ? (outcome.taskIds[0] ?? null) : null
      return answerOf(outcome)
    })
    // The change is committed; when this is lost, the next message has to name its task.
    if (!answer.replayed) await memory.update((before) => ({ ...before, recentId, pending: null }))
    return sendAnswer(reply, answer)
  })
}

type Outcome = Omit<ChatReply, 'intent' | 'sessionId'>

/** A reply without a change. What it asks or numbers is remembered first: a question nobody will remember is not asked. */
async function speak(
  command: Command,
  decision: Extract<Decision, { kind: 'say' }>,
  memory: ChatMemory,
): Promise<Outcome> {
  const stored = decision.remember === undefined || (await memory.update(decision.remember))
  return {
    reply: stored ? decision.reply : (decision.withoutMemory ?? decision.reply),
    parsed: understood(command),
    taskIds: (decision.tasks ?? []).map(({ id }) => id),
    ...(decision.tasks ? { tasks: [...decision.tasks] } : {}),
    ...(decision.asks === true && stored ? { needsConfirmation: true } : {}),
  }
}

async function addTask(
  tx: Transaction,
  command: AddCommand,
  context: { cause: ChangeCause; userId: string; zone: string; newId: () => string },
): Promise<Outcome> {
  const { recurrence } = command
  const draft = draftTask(
    {
      title: command.title,
      description: command.description,
      priority: command.priority,
      dueAt: command.dueAt,
      tags: [...command.tags],
      reminders: [...command.reminders],
      timezone: context.zone,
      recurrence: recurrence && { rrule: recurrence.rrule, anchor: recurrence.anchor },
    },
    { userId: context.userId, now: context.cause.now, timezone: context.zone, newId: context.newId, source: 'chat' },
  )
  // A start in a daylight-saving gap is due after it, but its slot keeps the time that was said.
  const task: Task =
    draft.recurrence && recurrence
      ? { ...draft, recurrence: { ...draft.recurrence, recurrenceId: recurrence.dtstart } }
      : draft
  await insertTask(tx, task, context.cause)
  return {
    reply: added(task),
    parsed: {
      title: task.title,
      dueAt: task.dueAt,
      timezone: task.timezone,
      priority: task.priority,
      tags: task.tags,
      recurrence: task.recurrence && {
        rrule: task.recurrence.rrule,
        anchor: task.recurrence.anchor,
        next: nextInstances(task),
      },
      reminders: [...command.reminders],
    },
    taskIds: [task.id],
    tasks: [task],
  }
}

async function act(
  tx: Transaction,
  { verb, tasks }: Extract<Decision, { kind: 'act' }>,
  parsed: ChatReply['parsed'],
  { cause, userId }: { cause: ChangeCause; userId: string },
): Promise<Outcome> {
  const transitions = {
    complete: (task: Task) => completeTask(task, cause.now),
    reopen: reopenTask,
    delete: (task: Task) => deleteTask(task, cause.now),
  }
  const changed: Task[] = []
  const unchanged: Task[] = []
  // In the order of ids, so that two messages about the same tasks cannot lock them crosswise.
  for (const { id } of [...tasks].sort((a, b) => (a.id < b.id ? -1 : 1))) {
    try {
      const result = await changeTask(tx, { userId, taskId: id }, actions[verb], transitions[verb], cause)
      ;(result.changed ? changed : unchanged).push(result.task)
    } catch (error) {
      if (!(error instanceof TaskNotFound)) throw error
    }
  }
  const sentences = [
    changed.length === 0 ? '' : `${done[verb]} ${titles(changed)}.`,
    unchanged.length === 0
      ? ''
      : `${titles(unchanged)} ${unchanged.length === 1 ? 'was' : 'were'} ${verb === 'reopen' ? 'open' : 'completed'} already.`,
    changed.length + unchanged.length === tasks.length ? '' : 'The rest is not there any more.',
    verb === 'complete' && changed.some(({ recurrence }) => recurrence) ? 'The next instance follows in a moment.' : '',
  ]
  const all = [...changed, ...unchanged]
  return {
    reply: sentences.filter((sentence) => sentence !== '').join(' '),
    parsed,
    taskIds: all.map(({ id }) => id),
    tasks: all,
  }
}

function understood(command: Command): ChatReply['parsed'] {
  const fields = Object.entries(command).filter(([name]) => name !== 'intent')
  return JSON.parse(JSON.stringify(Object.fromEntries(fields))) as ChatReply['parsed']
}
