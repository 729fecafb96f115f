/**
 * From a command to what is to be done: reads the memory and the tasks it points at, asks where there is doubt, and writes
 * nothing. Changing tasks is left to the caller, in one transaction (routes/chat.ts).
 */
import type { Queryable } from '../../lib/postgres.ts'
import type { Task } from '../../lib/task/task.ts'
import { listTasks } from '../tasks/list.ts'
import type { AddCommand, Command, ListCommand, Reference, TaskVerb } from './command.ts'
import { emptyMemory } from './memory.ts'
import type { ChatMemory, Memory, Recalled } from './memory.ts'
import { allTasks, mostChoices, tasksByIdPrefix, tasksByIds, tasksByTitle } from './task-search.ts'
import { help, numbered, titles } from './wording.ts'

/** What to do about a message. `say` changes no task; its `remember`, when there is one, must be stored for the reply to hold. */
export type Decision =
  | { readonly kind: 'add'; readonly command: AddCommand }
  | { readonly kind: 'act'; readonly verb: TaskVerb; readonly tasks: readonly Task[] }
  | {
      readonly kind: 'say'
      readonly reply: string
      readonly tasks?: readonly Task[]
      readonly remember?: (before: Memory) => Memory
      readonly asks?: boolean
      /** Said instead when the memory could not be stored. */
      readonly withoutMemory?: string
    }

/** Where a message is decided. */
export interface Conversation {
  readonly db: Queryable
  readonly userId: string
  readonly zone: string
  readonly memory: ChatMemory
}

const listed = 20
const say = (reply: string): Extract<Decision, { kind: 'say' }> => ({ kind: 'say', reply })
const forgotten =
  'My short memory is not available at the moment, so I cannot tell which task you mean. Name it by its title.'
const unlisted = 'I have not listed any tasks in this conversation. Say "list" first, or name the task by its title.'

/** Decides one command. */
export async function decide(command: Command, conversation: Conversation): Promise<Decision> {
  switch (command.intent) {
    case 'add':
      return { kind: 'add', command }
    case 'list':
      return decideList(command, conversation)
    case 'help':
      return say(help)
    case 'unclear':
      return { ...say(command.question), asks: command.about !== 'unknown' }
    case 'choose':
    case 'confirm':
    case 'cancel':
      return answerQuestion(command, conversation)
    default:
      return decideVerb(command.intent, command.references, conversation)
  }
}

async function decideList(command: ListCommand, { db, userId, zone }: Conversation): Promise<Decision> {
  const { items, nextCursor } = await listTasks(db, userId, {
    status: command.status,
    sort: command.status === 'completed' ? 'createdAt' : 'dueAt',
    limit: listed,
    ...(command.words !== undefined && /[\p{L}\p{N}]/u.test(command.words) ? { q: command.words.slice(0, 200) } : {}),
    ...(command.priority === undefined ? {} : { priority: command.priority }),
    ...(command.tag === undefined ? {} : { tag: command.tag }),
    ...(command.due?.from === undefined ? {} : { dueFrom: command.due.from }),
    ...(command.due?.to === undefined ? {} : { dueTo: command.due.to }),
  })
  const lastIds = items.map(({ id }) => id)
  const remember = (): Memory => ({ lastIds, recentId: only(lastIds) ?? null, pending: null })
  const label = command.label === '' ? '' : ` ${command.label}`
  if (items.length === 0) return { kind: 'say', reply: `You have no tasks${label}.`, tasks: [], remember }
  const count = nextCursor === null ? `${items.length}` : `more than ${items.length}`
  const reply = `You have ${count} task${items.length === 1 ? '' : 's'}${label}:\n${numbered(items, zone)}`
  return {
    kind: 'say',
    reply,
    tasks: items,
    remember,
    withoutMemory: `${reply}\n(I cannot remember this list at the moment: use titles instead of numbers.)`,
  }
}

async function answerQuestion(
  command: Extract<Command, { intent: 'choose' | 'confirm' | 'cancel' }>,
  { db, userId, memory }: Conversation,
): Promise<Decision> {
  const recalled = await memory.recall()
  if (!recalled)
    return say(
      'My short memory is not available at the moment, so I do not know what I asked. Nothing was changed; please say the whole command.',
    )
  const { pending } = recalled.memory
  if (!pending)
    return say(
      command.intent === 'choose'
        ? await positionHint(command.position, recalled, db, userId)
        : 'There is nothing to answer: I have not asked anything, or too long ago.',
    )
  const settled: Memory = { ...recalled.memory, pending: null }
  const chosen =
    command.intent === 'choose' && pending.kind === 'choose' ? pending.ids[command.position - 1] : undefined
  if (command.intent === 'choose' && pending.kind === 'choose' && chosen === undefined) {
    return {
      ...say(`Please choose a number from 1 to ${pending.ids.length}, or say "cancel".`),
      asks: true,
    }
  }
  if (command.intent === 'choose' && pending.kind === 'confirm') {
    return { ...say('Please answer "yes" or "no".'), asks: true }
  }
  if (command.intent === 'confirm' && pending.kind === 'choose' && pending.ids.length > 1) {
    return {
      ...say(`Which one? Choose a number from 1 to ${pending.ids.length}, or say "cancel".`),
      asks: true,
    }
  }
  if (!(await memory.exchange(recalled, settled))) {
    return say('This was answered already, or my short memory is not available. Nothing was changed by this message.')
  }
  if (command.intent === 'cancel') return say('All right, nothing was changed.')
  const tasks = await tasksByIds(db, userId, chosen === undefined ? pending.ids : [chosen])
  if (tasks.length === 0) return say('What I asked about is not there any more. Nothing was changed.')
  return { kind: 'act', verb: pending.verb, tasks }
}

async function positionHint(position: number, { memory }: Recalled, db: Queryable, userId: string): Promise<string> {
  const id = memory.lastIds[position - 1]
  const [task] = id === undefined ? [] : await tasksByIds(db, userId, [id])
  if (!task) return `I do not know what "${position}" refers to. Say "list" first.`
  return `Number ${position} of the last list is "${task.title}". Say "complete ${position}" or "delete ${position}".`
}

async function decideVerb(
  verb: TaskVerb,
  references: readonly Reference[],
  conversation: Conversation,
): Promise<Decision> {
  const needsMemory = references.some(({ by }) => by === 'number' || by === 'last' || by === 'recent')
  const recalled = needsMemory ? await conversation.memory.recall() : undefined
  if (needsMemory && !recalled) return say(forgotten)
  const tasks = new Map<string, Task>()
  let every = false
  for (const reference of references) {
    const found = await resolve(verb, reference, recalled?.memory ?? emptyMemory, conversation)
    if (typeof found === 'string') return say(`${found} Nothing was changed.`)
    if (found.certain === false || (found.tasks.length > 1 && reference.by !== 'all')) {
      return references.length > 1
        ? say(`More than one task matches. Please name them one at a time. Nothing was changed.`)
        : choices(verb, found, conversation)
    }
    every ||= reference.by === 'all'
    for (const task of found.tasks) tasks.set(task.id, task)
  }
  const chosen = [...tasks.values()]
  if (!(every ? chosen.length > 0 : verb === 'delete' && chosen.length > 1)) return { kind: 'act', verb, tasks: chosen }
  const ids = chosen.map(({ id }) => id)
  const what = chosen.length <= 5 ? titles(chosen) : `${chosen.length} tasks, among them ${titles(chosen.slice(0, 3))}`
  return {
    kind: 'say',
    reply: `Shall I ${verb} ${what}? Answer "yes" or "no".`,
    tasks: chosen,
    remember: (before) => ({ ...before, pending: { kind: 'confirm', verb, ids } }),
    asks: true,
    withoutMemory: `I would have to ask before I ${verb} ${what}, but my short memory is not available. Name them one at a time.`,
  }
}

/** The tasks a reference means, or why there are none. */
async function resolve(
  verb: TaskVerb,
  reference: Reference,
  memory: Memory,
  { db, userId }: Conversation,
): Promise<{ tasks: Task[]; certain?: boolean } | string> {
  switch (reference.by) {
    case 'number':
    case 'last': {
      if (memory.lastIds.length === 0) return unlisted
      const position = reference.by === 'last' ? memory.lastIds.length : reference.position
      const id = memory.lastIds[position - 1]
      if (id === undefined)
        return `The last list had ${memory.lastIds.length} task${memory.lastIds.length === 1 ? '' : 's'}, there is no number ${position}.`
      return there(await tasksByIds(db, userId, [id]), `Number ${position} of the last list is not there any more.`)
    }
    case 'recent':
      if (memory.recentId === null) return 'I do not know which task you mean; name it by its title.'
      return there(await tasksByIds(db, userId, [memory.recentId]), 'That task is not there any more.')
    case 'id':
      return there(
        await tasksByIdPrefix(db, userId, reference.prefix),
        `There is no task whose id starts with ${reference.prefix}.`,
      )
    case 'all': {
      const tasks = await allTasks(db, userId, verb)
      return tasks.length > 200
        ? 'These are more than 200 tasks; I change up to 200 at once.'
        : there(tasks, `There is no task to ${verb}.`)
    }
    case 'quote':
      return there(
        (await tasksByTitle(db, { userId, verb, title: reference.title, exact: true })).tasks,
        `I found no task to ${verb} with the title "${reference.title}".`,
      )
    case 'words': {
      const found = await tasksByTitle(db, { userId, verb, title: reference.words, exact: false })
      return found.tasks.length > 0 ? found : `I found no task to ${verb} that is called "${reference.words}".`
    }
  }
}

const there = (tasks: Task[], otherwise: string): { tasks: Task[] } | string =>
  tasks.length > 0 ? { tasks } : otherwise

function choices(
  verb: TaskVerb,
  { tasks, certain }: { tasks: Task[]; certain?: boolean },
  { zone }: Conversation,
): Decision {
  if (tasks.length > mostChoices) {
    return say(`More than ${mostChoices} tasks match. Please write more of the title. Nothing was changed.`)
  }
  const question = certain === false ? 'I found no such title. Did you mean' : `Which one shall I ${verb}`
  const ids = tasks.map(({ id }) => id)
  return {
    kind: 'say',
    reply: `${question}?\n${numbered(tasks, zone)}\nAnswer with the number, or "cancel".`,
    tasks,
    remember: (before) => ({ ...before, pending: { kind: 'choose', verb, ids } }),
    asks: true,
    withoutMemory: `Several tasks match, and my short memory is not available: please write the whole title in quotes.\n${numbered(tasks, zone)}`,
  }
}

const only = <T>(items: readonly T[]): T | undefined => (items.length === 1 ? items[0] : undefined)
