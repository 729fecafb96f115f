/**
 * How figures are told: coarsely, because each change of a status is a write. A system that nobody uses tells the same figure for ever, and a
 * busy one a new figure when it matters; Prometheus has the exact ones.
 */

/** A share as "under 50 %", "50 %", "60 %", … in steps of ten. @param share 0 to 1 */
export function percent(share: number): string {
  const step = Math.floor(Math.min(share, 10) * 10) * 10
  return step < 50 ? 'under 50 %' : `${step} %`
}

/** A duration in s as the largest unit that fits, rounded down: "45 s", "3 min", "2 h", "5 d". */
export function age(seconds: number): string {
  const units = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
  ] as const
  for (const [size, unit] of units) if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`
  return `${Math.floor(seconds / 15) * 15} s`
}

/** "1 pod", "3 pods". */
export const count = (number: number, one: string): string => `${number} ${one}${number === 1 ? '' : 's'}`

/** The first few of a list, and how many more. */
export function some(items: readonly string[], limit = 3): string {
  const more = items.length - limit
  return items.slice(0, limit).join('; ') + (more > 0 ? `; and ${more} more` : '')
}
