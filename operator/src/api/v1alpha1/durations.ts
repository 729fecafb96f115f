/** Milliseconds in each unit of the grammar. */
const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** The grammar of every duration in a spec: `5s`, `200ms`, `168h`, `30d`, `1h30m`. Bounded digits keep the sum a safe integer. */
export const durationPattern = '^([0-9]{1,6}(ms|s|m|h|d))+$'

const grammar = new RegExp(durationPattern)

/** What a message says about {@link durationPattern}. */
export const durationGrammar =
  'a duration is whole numbers with the units ms, s, m, h or d, such as 200ms, 5s, 1h30m or 7d'

/**
 * Milliseconds of a duration such as `1h30m`.
 * @throws RangeError when the text does not follow {@link durationPattern}
 */
export const parseDuration = (text: string): number => {
  if (!grammar.test(text)) throw new RangeError(`${JSON.stringify(text)}: ${durationGrammar}`)
  let total = 0
  for (const [, digits = '', unit = ''] of text.matchAll(/([0-9]+)(ms|s|m|h|d)/g)) {
    total += Number(digits) * (units[unit] ?? Number.NaN)
  }
  return total
}

/** The shortest single-unit text of a duration, the way the CRD documents bounds: 86 400 000 → `1d`, 1500 → `1500ms`. */
export const formatDuration = (milliseconds: number): string => {
  for (const unit of ['d', 'h', 'm', 's']) {
    const size = units[unit] ?? Number.NaN
    if (milliseconds >= size && milliseconds % size === 0) return `${String(milliseconds / size)}${unit}`
  }
  return `${String(milliseconds)}ms`
}
