import type { TodoChatbot } from './todochatbot.ts'

/** Whether disruptive work is frozen at `now` (ms since the epoch). A pause ends by itself at `until`. */
export const isPaused = (bot: Pick<TodoChatbot, 'spec'>, now: number): boolean => {
  const until = pauseEndsAt(bot)
  return until !== undefined && now < until
}

/** End of the pause in ms since the epoch, so that the operator can look again at that moment; undefined without a pause. */
export const pauseEndsAt = (bot: Pick<TodoChatbot, 'spec'>): number | undefined => {
  const paused = bot.spec.paused
  if (paused === undefined) return undefined
  const until = Date.parse(paused.until)
  return Number.isNaN(until) ? undefined : until
}
