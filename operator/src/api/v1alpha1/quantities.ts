/**
 * Kubernetes quantities (k8s.io/apimachinery/pkg/api/resource). The API server stores typed objects in canonical form: what is sent as
 * `0.5` comes back as `500m`. Desired objects hold the canonical form, so that comparing them with live ones finds no false drift.
 */

const decimal = ['', 'k', 'M', 'G', 'T'] as const
const binary = ['', 'Ki', 'Mi', 'Gi', 'Ti'] as const

interface Parsed {
  /** Thousandths of the unit, rounded up as Kubernetes does. */
  readonly milli: bigint
  readonly isBinary: boolean
}

const parse = (text: string): Parsed => {
  const match = /^([0-9]+)(?:[.]([0-9]+))?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/.exec(text)
  if (match === null) throw new RangeError(`${JSON.stringify(text)} is not a quantity such as 100m, 0.5, 256Mi or 1Gi`)
  const [, whole = '0', fraction = '', suffix = ''] = match
  const isBinary = suffix.endsWith('i')
  const exponent = isBinary ? binary.indexOf(suffix as 'Ki') : decimal.indexOf(suffix as 'k')
  const factor = suffix === 'm' ? 1n : 1000n * (isBinary ? 1024n : 1000n) ** BigInt(exponent)
  const divisor = 10n ** BigInt(fraction.length)
  const scaled = BigInt(whole + fraction) * factor
  return { milli: (scaled + divisor - 1n) / divisor, isBinary }
}

/** A whole number in the largest suffix that needs no fraction. */
const format = (value: bigint, base: bigint, suffixes: readonly string[]): string => {
  let rest = value
  let index = 0
  while (rest !== 0n && rest % base === 0n && index < suffixes.length - 1) {
    rest /= base
    index += 1
  }
  return `${String(rest)}${suffixes[index] ?? ''}`
}

/**
 * The form in which the API server returns a quantity: `0.5` → `500m`, `1024Mi` → `1Gi`, `1000m` → `1`.
 * @throws RangeError when the text is no quantity
 */
export const canonicalQuantity = (text: string): string => {
  const { milli, isBinary } = parse(text)
  if (milli % 1000n !== 0n) return `${String(milli)}m`
  const value = milli / 1000n
  return isBinary && value >= 1024n ? format(value, 1024n, binary) : format(value, 1000n, decimal)
}

/**
 * A quantity as a number: bytes for memory, cores for CPU.
 * @throws RangeError when the text is no quantity
 */
export const quantityValue = (text: string): number => Number(parse(text).milli) / 1000
