import { Temporal } from 'temporal-polyfill'
import { localSeconds, localText } from './local-time.ts'

/**
 * The instant (RFC 3339 UTC, milliseconds) of a local date-time in an IANA zone. A time inside a daylight-saving gap moves
 * forward by the length of the gap, a time that happens twice means the first (Temporal's `compatible`, and RFC 5545 3.3.5).
 * @throws {RangeError} unknown zone or no such date
 */
export function toInstant(local: string, zone: string): string {
  const zoned = Temporal.PlainDateTime.from(local).toZonedDateTime(zone, { disambiguation: 'compatible' })
  return new Date(zoned.epochMilliseconds).toISOString()
}

/**
 * The wall-clock time `YYYY-MM-DDTHH:MM:SS` of an instant in an IANA zone, fractions of a second cut off.
 * @throws {RangeError} unknown zone or no instant
 */
export function toLocal(instant: string, zone: string): string {
  const zoned = Temporal.Instant.from(instant).toZonedDateTimeISO(zone)
  return zoned.toPlainDateTime().toString({ smallestUnit: 'second', roundingMode: 'trunc' })
}

/**
 * An instant moved so that it keeps its wall-clock distance: what was the evening before `from` at 20:00 becomes the evening
 * before `to` at 20:00, also across a change of daylight saving. `from` and `to` are local date-times or instants.
 * @throws {RangeError} unknown zone, or a value that is neither
 */
export function moveAlong(instant: string, { from, to, zone }: { from: string; to: string; zone: string }): string {
  const local = (text: string): string => (text.endsWith('Z') ? toLocal(text, zone) : text)
  const distance = localSeconds(local(to)) - localSeconds(local(from))
  return toInstant(localText(localSeconds(toLocal(instant, zone)) + distance), zone)
}
