import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { instantField } from '../../lib/task/fields.ts'
import type { ChatApiDependencies } from '../dependencies.ts'
import { defineOperation, mount } from '../operation.ts'
import { decodeCursor, encodeCursor } from '../tasks/cursor.ts'

const notification = z.strictObject({
  id: z.uuid(),
  taskId: z.uuid(),
  reminderId: z.uuid(),
  title: z.string(),
  body: z.string(),
  scheduledFor: instantField,
  firedAt: instantField,
  late: z.boolean().describe('Delivered noticeably after its time, for example after an outage.'),
})

/** GET /api/v1/notifications */
export const listNotificationsOperation = defineOperation({
  id: 'listNotifications',
  method: 'GET',
  path: '/api/v1/notifications',
  summary: 'The in-app inbox: reminders that fired, newest first',
  tag: 'notifications',
  authenticated: true,
  params: z.strictObject({}),
  query: z.strictObject({
    limit: z.coerce.number().int().min(1).max(200).default(50),
    cursor: z.string().min(1).max(512).optional().describe('nextCursor of the page before.'),
  }),
  responses: {
    200: {
      description: 'A page of notifications.',
      schema: z.strictObject({ items: z.array(notification), nextCursor: z.string().nullable() }),
    },
  },
})

interface NotificationRow {
  id: string
  taskId: string
  reminderId: string
  title: string
  body: string
  scheduledFor: Date
  firedAt: Date
  late: boolean
}

/** Registers the inbox. The rows are the notification worker's; this only reads them. */
export function registerNotificationRoutes(
  server: FastifyInstance,
  { database, authenticate }: ChatApiDependencies,
): void {
  mount(server, listNotificationsOperation, authenticate, async ({ userId, query }) => {
    const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor, 'firedAt')
    const { rows } = await database.query<NotificationRow>(
      `SELECT id, task_id AS "taskId", reminder_id AS "reminderId", title, body, scheduled_for AS "scheduledFor",
         fired_at AS "firedAt", late
       FROM notifications
       WHERE user_id = $1 AND channel = 'in-app' AND ($2::timestamptz IS NULL OR (fired_at, id) < ($2::timestamptz, $3::uuid))
       ORDER BY fired_at DESC, id DESC LIMIT $4`,
      [userId, after?.value ?? null, after?.id ?? null, query.limit + 1],
    )
    const items = rows.slice(0, query.limit)
    const last = items.at(-1)
    const more = rows.length > query.limit && last !== undefined
    return {
      items,
      nextCursor: more ? encodeCursor({ sort: 'firedAt', value: last.firedAt.toISOString(), id: last.id }) : null,
    }
  })
}
