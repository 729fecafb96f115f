import type { Expiry } from '../lib/expiry.ts'

/** Notifications that were delivered more than `age` ms ago. */
export const notificationExpiry = (age: number): Expiry => ({
  statement: `DELETE FROM notifications WHERE id IN (SELECT id FROM notifications WHERE fired_at <= $1 LIMIT $2)`,
  age,
})
