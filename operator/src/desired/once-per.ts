/**
 * Works something out once for each key, however often it is asked for. Keys are never changed, so what was made holds, and it goes when its key
 * goes. A function that was pure stays so.
 * @param make is given the key, and what else it needs to read it
 */
export const oncePer = <K extends object, Rest extends readonly unknown[], T extends object>(
  make: (key: K, ...rest: Rest) => T,
): ((key: K, ...rest: Rest) => T) => {
  const made = new WeakMap<K, T>()
  return (key, ...rest) => {
    const known = made.get(key)
    if (known !== undefined) return known
    const value = make(key, ...rest)
    made.set(key, value)
    return value
  }
}
