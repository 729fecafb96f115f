import type { RecurrenceRule, Until } from './rule.ts'

/**
 * The canonical text of a rule: fixed order of parts, sorted lists, defaults (INTERVAL=1, WKST=MO) left out. Parsing it
 * gives the same rule again, and two spellings of one rule give the same text.
 */
export function formatRecurrence(rule: RecurrenceRule): string {
  const parts: [string, string | undefined][] = [
    ['FREQ', rule.frequency],
    ['INTERVAL', rule.interval === 1 ? undefined : String(rule.interval)],
    ['COUNT', rule.count?.toString()],
    ['UNTIL', rule.until && formatUntil(rule.until)],
    ['WKST', rule.weekStart === 'MO' ? undefined : rule.weekStart],
    ['BYMONTH', rule.byMonth.join(',')],
    ['BYWEEKNO', rule.byWeekNumber.join(',')],
    ['BYYEARDAY', rule.byYearDay.join(',')],
    ['BYMONTHDAY', rule.byMonthDay.join(',')],
    ['BYDAY', rule.byWeekday.map(({ ordinal, weekday }) => `${ordinal ?? ''}${weekday}`).join(',')],
    ['BYHOUR', rule.byHour.join(',')],
    ['BYMINUTE', rule.byMinute.join(',')],
    ['BYSECOND', rule.bySecond.join(',')],
    ['BYSETPOS', rule.bySetPosition.join(',')],
  ]
  return parts.flatMap(([name, value]) => (value ? [`${name}=${value}`] : [])).join(';')
}

function formatUntil(until: Until): string {
  if (until.form === 'instant') return `${until.instant.slice(0, 19).replaceAll(/[-:]/g, '')}Z`
  const compact = until.local.replaceAll(/[-:]/g, '')
  return until.form === 'date' ? compact.slice(0, 8) : compact
}
