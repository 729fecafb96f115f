import type { KubeObject } from '../../src/kube/object.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * Server-side apply of a single manager over maps: takes away what the former application held and the new one does not, then
 * lays the new one over the live object. Lists are atomic. Enough to tell whether a client re-applies and what survives.
 */
export const mergeApplied = (
  live: KubeObject | undefined,
  former: KubeObject | undefined,
  next: KubeObject,
): KubeObject => {
  const { metadata: identity } = live ?? next
  const pruned = live === undefined ? {} : without(live, former ?? {}, next)
  const merged = overlay(pruned, next) as KubeObject
  return { ...merged, metadata: { ...merged.metadata, name: identity.name } }
}

const without = (live: Json, former: Json, next: Json): Json =>
  Object.fromEntries(
    Object.entries(live).flatMap(([field, value]): [string, unknown][] => {
      const was = former[field]
      const will = next[field]
      if (was === undefined) return [[field, value]]
      if (isMap(value) && isMap(was)) {
        const rest = without(value, was, isMap(will) ? will : {})
        return Object.keys(rest).length === 0 && will === undefined ? [] : [[field, rest]]
      }
      return will === undefined ? [] : [[field, value]]
    }),
  )

const overlay = (base: Json, top: Json): Json => {
  const result: Record<string, unknown> = { ...base }
  for (const [field, value] of Object.entries(top)) {
    const below = result[field]
    result[field] = isMap(value) && isMap(below) ? overlay(below, value) : value
  }
  return result
}

const isMap = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
