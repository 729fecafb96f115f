import { Temporal } from 'temporal-polyfill'
import type { Unclear } from './unclear.ts'
import { unclear } from './unclear.ts'
import { partsOfDay } from './vocabulary.ts'

/** A time of day found in a text and where: `index` and `length` count UTF-16 units. */
export interface FoundTime {
  readonly time: Temporal.PlainTime
  readonly index: number
  readonly length: number
}

const clockTime = /^(?:at\s+)?(\d{1,2})(?:[:.](\d{2}))?\s*(am|pm|a\.m\.|p\.m\.)?(?![\d\w:-])/i
const dayPart = /^(?:at\s+|in\s+the\s+)?(morning|noon|afternoon|evening|night|midnight)\b/i

/**
 * Reads a time at the start of `text`: `5pm`, `at 17:30`, `9:15 am`, `noon`, `in the morning`. A bare hour from 1 to 12 is
 * {@link Unclear} because it may mean either half of the day; a bare number without `at` is no time at all.
 */
export function timeAtStart(text: string): FoundTime | Unclear | undefined {
  const part = dayPart.exec(text)
  if (part) {
    const hour = partsOfDay[(part[1] ?? '').toLowerCase()] ?? 0
    return { time: Temporal.PlainTime.from({ hour }), index: 0, length: part[0].length }
  }
  const match = clockTime.exec(text)
  if (!match) return undefined
  const [whole, hourText = '', minuteText, halfText] = match
  if (minuteText === undefined && halfText === undefined && !/^at\s/i.test(whole)) return undefined
  const hour = Number(hourText)
  const minute = Number(minuteText ?? 0)
  const half = halfText?.toLowerCase().charAt(0)
  const valid = half === undefined ? hour <= 23 : hour >= 1 && hour <= 12
  if (!valid || minute > 59) return unclear(`"${whole.trim()}" is not a time of day. Write 17:30 or 5:30pm.`)
  if (half === undefined && minuteText === undefined && hour >= 1 && hour <= 12 && !hourText.startsWith('0')) {
    return unclear(`Is "${whole.trim()}" ${hour}am or ${hour}pm?`)
  }
  const shifted = half === undefined ? hour : (hour % 12) + (half === 'p' ? 12 : 0)
  return { time: Temporal.PlainTime.from({ hour: shifted, minute }), index: 0, length: whole.length }
}
