/** How two configurations differ, in words for an Event. Pure. The configuration of a worker holds no secrets; URLs are masked all the same. */

/** Longest value that is shown, and longest text of all changes; an Event's note takes 1024 characters. */
const longestValue = 60
const longestText = 900

/** One line per path, such as `database.pool.max 10 → 5`, in the order of the paths. */
export function configChanges(before: unknown, after: unknown): readonly string[] {
  const [old, now] = [leavesOf(before), leavesOf(after)]
  const paths = [...new Set([...old.keys(), ...now.keys()])].sort()
  return paths
    .filter((path) => old.get(path) !== now.get(path))
    .map((path) => `${path} ${old.get(path) ?? 'unset'} → ${now.get(path) ?? 'unset'}`)
}

/** The changes as one text; what does not fit is counted. */
export function changesText(changes: readonly string[]): string {
  let text = ''
  for (const [index, change] of changes.entries()) {
    const next = text === '' ? change : `${text}, ${change}`
    if (next.length > longestText) return `${text} and ${changes.length - index} more`
    text = next
  }
  return text
}

/** Scalars and lists by path, as they are shown. */
function leavesOf(value: unknown, path = ''): Map<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return value === undefined ? new Map<string, string>() : new Map([[path, shown(value)]])
  return new Map(
    Object.entries(value).flatMap(([key, child]) => [...leavesOf(child, path === '' ? key : `${path}.${key}`)]),
  )
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const masked = text.replace(/\/\/[^/@\s]+@/, '//…@')
  return masked.length > longestValue ? `${masked.slice(0, longestValue - 1)}…` : masked
}
