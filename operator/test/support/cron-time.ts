/** A minute of the future, as a time and as the schedule (UTC) that comes then. @param minutes at least so many from now, at most one more */
export function minuteFromNow(minutes: number): { readonly time: number; readonly cron: string } {
  const time = (Math.ceil(Date.now() / 60_000) + minutes) * 60_000
  const at = new Date(time)
  return { time, cron: `${at.getUTCMinutes()} ${at.getUTCHours()} * * *` }
}

/** As a status writes times. @param time ms since the epoch */
export const rfc3339 = (time: number): string => `${new Date(time).toISOString().slice(0, 19)}Z`
