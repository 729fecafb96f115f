/**
 * Deepest nesting of objects and arrays in a JSON text, found without parsing it: a body of 64 KiB can hold 32,000
 * brackets, and everything that walks the parsed value recursively would overflow its stack.
 */
export const jsonDepth = (text: string): number => {
  let depth = 0
  let deepest = 0
  let inString = false
  for (let index = 0; index < text.length; index += 1) {
    const char = text.charCodeAt(index)
    if (inString) {
      if (char === 0x5c) index += 1
      else if (char === 0x22) inString = false
    } else if (char === 0x22) inString = true
    else if (char === 0x7b || char === 0x5b) {
      depth += 1
      if (depth > deepest) deepest = depth
    } else if (char === 0x7d || char === 0x5d) depth -= 1
  }
  return deepest
}

/** What PostgreSQL cannot store in text or jsonb: NUL, and surrogates without their other half. */
const unstorable = (text: string): boolean => text.includes('\u0000') || !text.isWellFormed()

/**
 * The path of the first string (or key) that cannot be stored, or undefined. Such a value is valid JSON, so it is caught
 * here at the boundary instead of failing in every INSERT for ever.
 */
export const findUnstorable = (value: unknown, path = ''): string | undefined => {
  if (typeof value === 'string') return unstorable(value) ? path : undefined
  if (typeof value !== 'object' || value === null) return undefined
  for (const [key, inner] of Object.entries(value)) {
    const at = path === '' ? key : `${path}.${key}`
    const found = unstorable(key) ? at : findUnstorable(inner, at)
    if (found !== undefined) return found
  }
  return undefined
}
