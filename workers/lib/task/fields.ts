import { z } from 'zod'

/**
 * The field rules of a task, each stated once. Requests, the task itself and its events are composed of them, so a limit
 * that changes here changes in validation, in /openapi.json and in the answer a user gets.
 */

/** Zones found valid; asking Intl costs 30 microseconds, and every task read from the database is checked again. */
const knownZones = new Set<string>()

/** True for names the runtime's time zone database knows, e.g. `Europe/Berlin`; offsets such as `+02:00` are refused because they have no daylight-saving rules. */
export function isIanaZone(name: string): boolean {
  if (knownZones.has(name)) return true
  if (!/^[A-Za-z]/.test(name)) return false
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name })
  } catch {
    return false
  }
  if (knownZones.size < 1000) knownZones.add(name)
  return true
}

/** IANA time zone name. Checked at the edge: an unknown zone would otherwise surface hours later in a consumer. */
export const zoneField = z
  .string()
  .max(64)
  .refine(isIanaZone, { error: 'is not an IANA time zone, for example Europe/Berlin or UTC' })
  .describe('IANA time zone, for example Europe/Berlin')

/** RFC 3339 instant with any offset; normalised to UTC with milliseconds so that equal instants are equal strings. */
export const instantField = z.iso
  .datetime({
    offset: true,
    abort: true,
    error: 'is not an RFC 3339 date-time with offset, for example 2026-01-27T09:00:00Z',
  })
  .refine((text) => inSupportedYears(text), { error: 'must lie between the years 1970 and 9999' })
  .overwrite((text) => (inSupportedYears(text) ? new Date(text).toISOString() : text))
  .describe('RFC 3339 instant')

function inSupportedYears(text: string): boolean {
  const epoch = Date.parse(text)
  return Number.isFinite(epoch) && epoch >= 0 && epoch <= Date.UTC(9999, 11, 31)
}

/** Local date-time without zone (RFC 5545 FORM #1 in ISO spelling): the identity of one instance of a series. */
export const localDateTimeField = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$/, { error: 'is not a local date-time such as 2026-01-27T09:00:00' })

/** PostgreSQL `text` cannot hold NUL, and a lone surrogate has no UTF-8 form: both are refused instead of silently changed. */
export function isStorableText(text: string): boolean {
  return !text.includes('\u0000') && text.isWellFormed()
}

const storable = { error: 'must not contain NUL characters or unpaired surrogates' }

/** 1 to 255 characters after trimming; one line. */
export const titleField = z
  .string()
  .trim()
  .min(1)
  .max(255)
  .refine(isStorableText, storable)
  .refine((text) => !/[\r\n]/.test(text), { error: 'must be a single line' })

/** At most 10,000 characters; the empty string means "none". */
export const descriptionField = z.string().max(10_000).refine(isStorableText, storable)

/** Sorted by importance in lists: HIGH before MEDIUM before LOW before NONE. */
export const priorityField = z.enum(['HIGH', 'MEDIUM', 'LOW', 'NONE'])

/** One tag of 1 to 50 characters without blanks, so that `#tag` in chat can name every tag there is. */
export const tagField = z
  .string()
  .min(1)
  .max(50)
  .regex(/^\S+$/u, { error: 'must not contain blanks' })
  .refine(isStorableText, storable)

/** At most 20 tags, none twice. */
export const tagsField = z
  .array(tagField)
  .max(20)
  .refine((tags) => new Set(tags).size === tags.length, { error: 'must not name a tag twice' })

/** Signed duration as RFC 5545 3.3.6 writes it for TRIGGER: `-PT30M` is half an hour before the due time, `PT0S` is at it. At most 366 days either way. */
export const offsetField = z
  .string()
  .regex(/^[+-]?P(?=[\dT])(\d{1,2}W|(\d{1,3}D)?(T(?=\d)(\d{1,4}H)?(\d{1,5}M)?(\d{1,6}S)?)?)$/, {
    error: 'is not an ISO 8601 duration such as -PT30M (half an hour before) or -P1D',
  })
  .refine((text) => Math.abs(offsetMilliseconds(text)) <= 366 * 86_400_000, { error: 'must be at most 366 days' })
  .describe('ISO 8601 duration relative to dueAt; negative is before, as in RFC 5545 TRIGGER')

/** Milliseconds of a duration accepted by {@link offsetField}; a day is 24 hours, as RFC 5545 3.3.6 has it for exact durations. */
export function offsetMilliseconds(text: string): number {
  const parts = /^([+-])?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/.exec(text)
  if (!parts) return Number.NaN
  const [weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = parts
    .slice(2)
    .map((part: string | undefined) => Number(part ?? 0))
  const total = ((weeks * 7 + days) * 24 + hours) * 3_600_000 + minutes * 60_000 + seconds * 1000
  return parts[1] === '-' ? -total : total
}
