import { Temporal } from 'temporal-polyfill'

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
