/** Suffixes of Kubernetes quantities (k8s.io/apimachinery/pkg/api/resource) as powers: [base, exponent]. */
const suffixes: Readonly<Record<string, readonly [bigint, number]>> = {
  n: [10n, -9],
  u: [10n, -6],
  m: [10n, -3],
  '': [10n, 0],
  k: [10n, 3],
  M: [10n, 6],
  G: [10n, 9],
  T: [10n, 12],
  P: [10n, 15],
  E: [10n, 18],
  Ki: [1024n, 1],
  Mi: [1024n, 2],
  Gi: [1024n, 3],
  Ti: [1024n, 4],
  Pi: [1024n, 5],
  Ei: [1024n, 6],
}

const GRAMMAR = /^([+-]?)(\d*)(?:\.(\d*))?(?:([eE])([+-]?\d{1,2})|(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei))?$/
/** Everything is counted in 10^-18, so that ten digits after the point of a `n` quantity stay exact. */
const SCALE = 18

/**
 * The value of a quantity in units of 10^-18, exact; undefined when it is none. `1000m` and `1` are the same value, and the API
 * server answers with its own canonical spelling.
 */
export const quantityOf = (value: unknown): bigint | undefined => {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined
  const match = GRAMMAR.exec(String(value))
  if (match === null) return undefined
  const [, sign = '', whole = '', fraction = '', exponentMark, exponentDigits = '0', suffix = ''] = match
  if (whole === '' && fraction === '') return undefined
  const [base, power] = exponentMark === undefined ? (suffixes[suffix] ?? [10n, 0]) : [10n, Number(exponentDigits)]
  const digits = BigInt(whole + fraction)
  const decimal = base === 10n ? power : 0
  const binary = base === 10n ? 1n : base ** BigInt(power)
  const shift = SCALE + decimal - fraction.length
  const scaled = shift >= 0 ? digits * binary * 10n ** BigInt(shift) : (digits * binary) / 10n ** BigInt(-shift)
  return sign === '-' ? -scaled : scaled
}

/** True when both are quantities of the same value. */
export const sameQuantity = (left: unknown, right: unknown): boolean => {
  const value = quantityOf(left)
  return value !== undefined && value === quantityOf(right)
}
