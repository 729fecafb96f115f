/**
 * The function, working each object out once: the same object (by identity, not by content) gets the same answer again, for as long as
 * somebody holds it. For pure functions of objects that are never changed in place, as all that come from an informer are not.
 */
export const memoByIdentity = <K extends object, V extends object>(work: (key: K) => V): ((key: K) => V) => {
  const known = new WeakMap<K, V>()
  return (key) => {
    const before = known.get(key)
    if (before !== undefined) return before
    const made = work(key)
    known.set(key, made)
    return made
  }
}
