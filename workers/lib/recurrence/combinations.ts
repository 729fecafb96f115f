import type { RecurrenceProblem } from './errors.ts'
import type { RecurrenceRule } from './rule.ts'

/** Parts that RFC 5545 3.3.10 forbids together, each with the sentence of the RFC it follows. Empty when the rule is sound. */
export function combinationProblems(rule: RecurrenceRule): RecurrenceProblem[] {
  const { frequency } = rule
  const problems: RecurrenceProblem[] = []
  const refuse = (part: string, problem: string, allowed: string): void => {
    problems.push({ part, problem, allowed })
  }
  const ordinals = rule.byWeekday.flatMap(({ ordinal }) => (ordinal === undefined ? [] : [Math.abs(ordinal)]))

  // "The UNTIL and COUNT rule parts are OPTIONAL, but they MUST NOT occur in the same 'recur'."
  if (rule.count !== undefined && rule.until) refuse('COUNT', 'stands beside UNTIL', 'one of the two')
  // "The BYDAY rule part MUST NOT be specified with a numeric value when the FREQ rule part is not set to MONTHLY or YEARLY."
  if (ordinals.length > 0 && frequency !== 'MONTHLY' && frequency !== 'YEARLY') {
    refuse('BYDAY', `has an ordinal with FREQ=${frequency}`, 'ordinals with FREQ=MONTHLY or FREQ=YEARLY only')
  }
  // "… with a numeric value with the FREQ rule part set to YEARLY when the BYWEEKNO rule part is specified."
  if (ordinals.length > 0 && rule.byWeekNumber.length > 0) {
    refuse('BYDAY', 'has an ordinal beside BYWEEKNO', 'plain weekdays beside BYWEEKNO')
  }
  const withinMonth = frequency === 'MONTHLY' || rule.byMonth.length > 0
  if (withinMonth && ordinals.some((ordinal) => ordinal > 5)) {
    refuse('BYDAY', 'counts beyond the fifth weekday of a month', 'ordinals 1 to 5 or -5 to -1 within months')
  }
  // "The BYMONTHDAY rule part MUST NOT be specified when the FREQ rule part is set to WEEKLY."
  if (rule.byMonthDay.length > 0 && frequency === 'WEEKLY') {
    refuse('BYMONTHDAY', 'stands beside FREQ=WEEKLY', 'any other FREQ, or BYDAY')
  }
  // "The BYYEARDAY rule part MUST NOT be specified when the FREQ rule part is set to DAILY, WEEKLY, or MONTHLY."
  if (rule.byYearDay.length > 0 && ['DAILY', 'WEEKLY', 'MONTHLY'].includes(frequency)) {
    refuse('BYYEARDAY', `stands beside FREQ=${frequency}`, 'FREQ=YEARLY')
  }
  // "This rule part MUST NOT be used when the FREQ rule part is set to anything other than YEARLY."
  if (rule.byWeekNumber.length > 0 && frequency !== 'YEARLY') {
    refuse('BYWEEKNO', `stands beside FREQ=${frequency}`, 'FREQ=YEARLY')
  }
  // BYSETPOS "MUST only be used in conjunction with another BYxxx rule part."
  if (rule.bySetPosition.length > 0 && !hasSelectingPart(rule)) {
    refuse('BYSETPOS', 'stands alone', 'another BY part to pick from, e.g. BYDAY=MO,TU,WE,TH,FR')
  }
  return problems
}

function hasSelectingPart(rule: RecurrenceRule): boolean {
  const others = [rule.byMonth, rule.byWeekNumber, rule.byYearDay, rule.byMonthDay, rule.byWeekday]
  return [...others, rule.byHour, rule.byMinute, rule.bySecond].some((part) => part.length > 0)
}
