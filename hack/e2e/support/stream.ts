import type { Account, TaskBody } from './account.ts'

/** What a client was told: this change of this task is committed. */
export interface Commit {
  readonly taskId: string
  readonly version: number
}

/** A stream of task changes that others may interrupt. */
export interface Stream {
  readonly commits: readonly Commit[]
  /** Reminders that were set, by the user who must hear of them. */
  readonly reminders: ReadonlyMap<string, Account>
  /** Settles when every change has been answered. */
  readonly done: Promise<void>
}

/** What the stream is made of. */
export interface StreamOptions {
  readonly users: readonly Account[]
  /** Changes in all. */
  readonly changes: number
  /** Awaited before every change with its number from 0: lets the test hold the stream until something else has happened. */
  readonly before: (change: number) => Promise<void>
}

/** Requests of one user at a time; another user's go on beside them. */
const LANES_PER_USER = 2

/**
 * Every lane repeats: create a task (each third recurring, each fifth with a reminder seconds away), edit it twice,
 * complete it unless it has a reminder; each seventh is deleted as well. Every change is repeated with its Idempotency-Key until it is answered.
 */
export function startStream({ users, changes, before }: StreamOptions): Stream {
  const commits: Commit[] = []
  const reminders = new Map<string, Account>()
  let issued = 0
  let created = 0
  const take = async (): Promise<boolean> => {
    const change = issued
    if (change >= changes) return false
    issued += 1
    await before(change)
    return true
  }
  const commit = (task: TaskBody): TaskBody => {
    commits.push({ taskId: task.id, version: task.version })
    return task
  }
  const lane = async (user: Account): Promise<void> => {
    while (await take()) {
      created += 1
      const number = created
      const task = commit(
        (await user.change('/api/v1/tasks', { method: 'POST', body: newTask(number) })).body as TaskBody,
      )
      for (const reminder of task.reminders) reminders.set(reminder.id, user)
      const path = `/api/v1/tasks/${task.id}`
      for (const priority of ['HIGH', 'LOW']) {
        if (!(await take())) return
        commit((await user.change(path, { method: 'PATCH', body: { priority } })).body as TaskBody)
      }
      // Completing would cancel the reminder, which is to fire.
      if (task.reminders.length > 0) continue
      if (!(await take())) return
      commit((await user.change(`${path}/complete`, { method: 'POST' })).body as TaskBody)
      if (number % 7 !== 0) continue
      if (!(await take())) return
      await user.change(path, { method: 'DELETE' })
      commits.push({ taskId: task.id, version: task.version + 4 })
    }
  }
  const lanes = users.flatMap((user) => Array.from({ length: LANES_PER_USER }, () => lane(user)))
  return { commits, reminders, done: Promise.all(lanes).then(() => undefined) }
}

function newTask(number: number): Readonly<Record<string, unknown>> {
  const title = `task ${number}`
  const dueAt = new Date(Date.now() + 86_400_000).toISOString()
  if (number % 3 === 0) return { title, dueAt, recurrence: { rrule: 'FREQ=DAILY' } }
  if (number % 5 !== 0) return { title }
  return { title, reminders: [{ type: 'absolute', at: new Date(Date.now() + 5_000).toISOString() }] }
}
