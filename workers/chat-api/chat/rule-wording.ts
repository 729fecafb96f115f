// The default import is the CommonJS module itself; named imports of rrule fail in Node although they type-check (jkbrzt/rrule#548).
import rrule from 'rrule'

/**
 * What rrule cannot put into words truly: it ignores BYSETPOS ("the last weekday of the month" becomes "on weekdays") and
 * tells the date of UNTIL in UTC, which may be another day in the user's zone.
 */
const unspeakable = /BYSETPOS|UNTIL/

/**
 * A canonical RRULE in English, such as `every week on Monday, Thursday for 10 times`; undefined when words would say
 * something else than the rule. The rule itself is always shown beside it.
 */
export function inWords(rule: string): string | undefined {
  if (unspeakable.test(rule)) return undefined
  const parsed = rrule.RRule.fromString(rule)
  return parsed.isFullyConvertibleToText() ? parsed.toText().replace(/\blast$/, 'last day') : undefined
}
