/** Takes values that may be secret out of Kubernetes objects before they are written as text; redact.ts sees the text afterwards. Pure. */

const withheld = '[redacted]'

/** Annotations that repeat a whole object, values of environment variables included. */
const copies = ['kubectl.kubernetes.io/last-applied-configuration']

/** Names of Dapr metadata entries whose plain value is a secret. */
const sensitive = /password|secret|token|key|credential|connectionstring|certificate/i

/** `keyPrefix` and its like are settings, not keys. */
const harmless = /^(keyPrefix|[a-z]*KeyName|maxKey[a-z]*)$/i

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/**
 * A copy of an object without literal values of environment variables, literal values of sensitive Dapr metadata, copies of the object in
 * annotations, and managedFields, which say nothing here.
 */
export const redactObject = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(redactObject)
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, child]): [string, unknown][] => {
      if (key === 'managedFields') return []
      if (key === 'env' && Array.isArray(child)) return [[key, child.map(withoutValue)]]
      if (key === 'annotations' && isRecord(child)) return [[key, withoutCopies(child)]]
      if (key === 'metadata' && Array.isArray(child)) return [[key, list(child).map(withoutSensitiveValue)]]
      return [[key, redactObject(child)]]
    }),
  )
}

const withoutValue = (entry: unknown): unknown =>
  isRecord(entry) && 'value' in entry && entry['value'] !== '' ? { ...entry, value: withheld } : entry

const withoutCopies = (annotations: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(annotations).map(([key, value]) => [key, copies.includes(key) ? withheld : value]))

/** `spec.metadata` of a Dapr Component is a list of {name, value}. */
const withoutSensitiveValue = (entry: unknown): unknown =>
  isRecord(entry) &&
  typeof entry['name'] === 'string' &&
  'value' in entry &&
  sensitive.test(entry['name']) &&
  !harmless.test(entry['name'])
    ? { ...entry, value: withheld }
    : entry
