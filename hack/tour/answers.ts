import { z } from 'zod'

/** What the tour reads of the answers; the services say more. */
export const session = z.object({ token: z.string() })

/** A task as chat-api shows it. */
export const task = z.object({
  id: z.string(),
  title: z.string(),
  status: z.enum(['open', 'completed']),
  dueAt: z.string().nullable(),
  source: z.string(),
  recurrence: z.object({ seriesId: z.string(), count: z.number().optional() }).nullable(),
})

/** A list of tasks. */
export const tasks = z.object({ items: z.array(task) })

/** What chat answers. */
export const reply = z.object({ reply: z.string(), taskIds: z.array(z.string()) })

/** The in-app inbox of reminders. */
export const notifications = z.object({
  items: z.array(
    z.object({ taskId: z.string(), title: z.string(), body: z.string(), firedAt: z.string(), late: z.boolean() }),
  ),
})

/** The audit trail of a task. */
export const history = z.object({
  entries: z.array(
    z.object({
      seq: z.number(),
      action: z.string(),
      source: z.string(),
      recordedAt: z.string(),
      hash: z.string(),
    }),
  ),
})

/** The result of walking the audit chain. */
export const verification = z.object({
  ok: z.boolean(),
  count: z.number(),
  gaps: z.array(z.unknown()),
  duplicates: z.array(z.unknown()),
  hashBreaks: z.array(z.unknown()),
  headHash: z.string().nullable(),
})
