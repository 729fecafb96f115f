/** Whether two values are the same JSON: the order of keys does not count, and a field that is undefined counts as absent. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
    return a.every((item, index) => sameJson(item ?? null, b[index] ?? null))
  }
  const [left, right] = [a as Fields, b as Fields]
  const keys = Object.keys(left)
  return (
    keys.every((key) => sameJson(left[key], right[key])) &&
    Object.keys(right).every((key) => key in left || right[key] === undefined)
  )
}

type Fields = Readonly<Record<string, unknown>>
