/**
 * RFC 5545 recurrence for tasks: parse, validate, evaluate. Pure: no clock, no I/O, no host time zone.
 *
 * How it works. A rule is evaluated in floating time (integers, local-time.ts) and each occurrence is converted once into an
 * instant of the task's IANA zone (zone.ts). The slot of an instance is its floating time; that is its identity for ever,
 * whatever users do to its due time and whatever governments do to the zone.
 *
 * Invariants
 * - The same rule, start and zone give the same slots on every host and in every host time zone.
 * - Work is bounded: the first period is computed instead of walked to, and a search ends after MAX_STEPS steps without an
 *   occurrence. No text a user can send makes evaluation loop or allocate without bound.
 * - Slots and instants of a series strictly increase, so no slot is used twice.
 * - Month ends do not drift: the next slot follows the slot, never the (moved) due time.
 *
 * Failure modes. A wrong text or a rule without occurrences is RecurrenceInvalid with part, problem and what is allowed. A zone
 * the runtime does not know is a RangeError; the edge checks zones before they are stored.
 *
 * Why not the `rrule` package: it does not end on a rule that selects nothing, walks from DTSTART on every question and mixes
 * the host's zone into results (docs/adr, recurrence). It and rrule-temporal are the oracles of the tests instead.
 *
 * Proof: occurrences.property.test.ts (against both oracles), schedule.test.ts (daylight saving, in several host zones),
 * series.test.ts (COUNT, UNTIL, anchors), parse.test.ts (refusals), local-time.test.ts (calendar). Semantics in docs/recurrence.md.
 */
export { RecurrenceInvalid } from './errors.ts'
export type { RecurrenceProblem } from './errors.ts'
export { formatRecurrence } from './format.ts'
export { parseRecurrence } from './parse.ts'
export { defaultLimits } from './rule.ts'
export type { Frequency, RecurrenceLimits, RecurrenceRule, Until, Weekday, WeekdayOccurrence } from './rule.ts'
export { assertOccurs, firstOccurrence, occurrencesAfter, previewOccurrences } from './schedule.ts'
export type { Occurrence, Schedule } from './schedule.ts'
export { nextInstance } from './series.ts'
export type { CompletedInstance, NextInstance } from './series.ts'
export { moveAlong, toInstant, toLocal } from './zone.ts'
