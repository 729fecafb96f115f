import type { ObjectMeta } from '../kube/object.ts'

/** Distinct values remembered; then it starts over, so that values of objects long gone do not pile up. */
const CAPACITY = 5000

/**
 * Makes a function that lets equal labels and owner references of many objects share one copy. The objects
 * of one system differ in names only; unshared, these make up half of what a trimmed object weighs.
 */
export const createInterner = (): ((metadata: ObjectMeta) => ObjectMeta) => {
  const shared = new Map<string, unknown>()
  const share = <T extends object>(value: T | undefined): T | undefined => {
    if (value === undefined) return undefined
    const text = JSON.stringify(value)
    const known = shared.get(text)
    if (known !== undefined) return known as T
    if (shared.size >= CAPACITY) shared.clear()
    shared.set(text, value)
    return value
  }
  return (metadata) => {
    const labels = share(metadata.labels)
    const ownerReferences = share(metadata.ownerReferences)
    return {
      ...metadata,
      ...(labels !== undefined && { labels }),
      ...(ownerReferences !== undefined && { ownerReferences }),
    }
  }
}
