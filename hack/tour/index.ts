/**
 * A short live tour of a running system: everything it shows is asked of the services while it runs, and anything that
 * does not come true within its deadline fails the tour, and `up` with it.
 */
import { randomBytes } from 'node:crypto'
import type { z } from 'zod'
import type { InstalledCluster } from '../cluster/full-cluster.ts'
import { waitFor } from '../cluster/waiting.ts'
import * as answers from './answers.ts'
import { withAudit } from './audit-access.ts'
import { api } from './http.ts'
import type { Api } from './http.ts'

/** What the tour needs. */
export interface TourInput {
  readonly cluster: InstalledCluster
  /** chat-api. */
  readonly url: string
  readonly say: (line: string) => void
}

/** Milliseconds for anything that travels through Kafka. */
const DEADLINE = 60_000

/** Plays the tour with a user of its own, so it can be played again. @throws what did not come true. */
export async function playTour({ cluster, url, say }: TourInput): Promise<void> {
  const email = `tour-${randomBytes(4).toString('hex')}@example.org`
  const account = { email, password: randomBytes(12).toString('base64url'), timezone: 'Europe/Berlin' }
  const signup = (): Promise<z.infer<typeof answers.session>> =>
    api(url).post('/api/v1/auth/signup', account, answers.session)
  const { token } = await waitFor('chat-api takes sign-ups', signup, { timeout: DEADLINE })
  const chat = api(url, token)
  say('')
  say(`A tour, as ${email}:`)

  const watering = await tell(chat, say, 'add water the plants every day at 9am and remind me 10 minutes before')
  const stretching = await tell(chat, say, 'remind me in 3 seconds to stretch')
  await tell(chat, say, 'complete water the plants')
  await showNextInstance(chat, say, watering)
  await showReminder(chat, say, stretching)
  await withAudit(cluster, cluster.kubeconfigPath, (audit) => showAudit(audit, say, watering))
}

/** Says something to the chatbot and shows both sides. Answers the id of the task it is about. */
async function tell(chat: Api, say: (line: string) => void, message: string): Promise<string> {
  const answer = await chat.post('/api/v1/chat', { message }, answers.reply)
  say(`  you      ${message}`)
  say(`  chatbot  ${answer.reply}`)
  const [taskId] = answer.taskIds
  if (taskId === undefined) throw new Error(`the chatbot made no task of "${message}": ${answer.reply}`)
  return taskId
}

async function showNextInstance(chat: Api, say: (line: string) => void, taskId: string): Promise<void> {
  const next = await waitFor(
    'the next instance of the completed task',
    async () => {
      const { items } = await chat.get('/api/v1/tasks?limit=50', answers.tasks)
      const done = items.find((item) => item.id === taskId)
      return items.find(
        (item) =>
          item.id !== taskId &&
          item.status === 'open' &&
          item.recurrence?.seriesId === done?.recurrence?.seriesId &&
          item.source === 'recurrence',
      )
    },
    { timeout: DEADLINE },
  )
  say(
    `  next instance: "${next.title}", number ${next.recurrence?.count ?? '?'} of its series, due ${next.dueAt ?? 'never'}`,
  )
}

async function showReminder(chat: Api, say: (line: string) => void, taskId: string): Promise<void> {
  const reminder = await waitFor(
    'the reminder',
    async () => {
      const { items } = await chat.get('/api/v1/notifications?limit=50', answers.notifications)
      return items.find((item) => item.taskId === taskId)
    },
    { timeout: DEADLINE },
  )
  say(`  reminder fired: "${reminder.title}" at ${reminder.firedAt}${reminder.late ? ' (late)' : ''}`)
}

async function showAudit(audit: Api, say: (line: string) => void, taskId: string): Promise<void> {
  const entries = await waitFor(
    'the completion in the audit trail',
    async () => {
      const { entries } = await audit.get(`/audit/tasks/${taskId}/history`, answers.history)
      return entries.some((entry) => entry.action === 'COMPLETED') ? entries : undefined
    },
    { timeout: DEADLINE },
  )
  say('  audit trail of "water the plants":')
  for (const entry of entries) {
    const source = entry.source.replace('/services/', '')
    say(
      `    ${String(entry.seq).padStart(5)}  ${entry.recordedAt}  ${entry.action.padEnd(10)} ${source.padEnd(20)} ${entry.hash.slice(0, 12)}…`,
    )
  }
  const result = await audit.get('/audit/verify', answers.verification)
  if (!result.ok) throw new Error(`the audit chain is broken: ${JSON.stringify(result)}`)
  say(`  audit verified: ${result.count} entries, no gap, no duplicate, every hash follows from the one before`)
}
