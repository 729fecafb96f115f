/**
 * Rewrites what zod emits into what a CustomResourceDefinition takes ("structural schema", KEP-1693 and the API conventions): no
 * `additionalProperties: false`, no `$schema`, no `propertyNames`, no integer bounds that only state the range of JavaScript, no value
 * validation that a CEL rule states better. Proof: structural.test.ts, and a real API server in crd.integration.test.ts.
 */

/** A JSON schema or a structural schema, as plain JSON. */
export type JsonSchema = Record<string, unknown>

const isRecord = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const dropped = new Set(['$schema', 'additionalProperties', 'propertyNames', 'id', 'const'])

const rulesHold = (schema: JsonSchema): boolean => Array.isArray(schema['x-kubernetes-validations'])

/** Keys in the order kubectl and people read them; the rest follows alphabetically. */
const leading = ['description', 'type', 'format', 'enum', 'default']

const orderedEntries = (schema: JsonSchema): [string, unknown][] =>
  Object.entries(schema).sort(([a], [b]) => {
    const rank = (key: string): number => (leading.includes(key) ? leading.indexOf(key) : leading.length)
    return rank(a) - rank(b) || (a < b ? -1 : 1)
  })

const rewriteProperties = (properties: JsonSchema): JsonSchema =>
  Object.fromEntries(
    Object.entries(properties).map(([name, child]) => [name, toStructural(isRecord(child) ? child : {})]),
  )

/** The structural form of one schema and everything below it. */
export const toStructural = (schema: JsonSchema): JsonSchema => {
  const result: JsonSchema = {}
  for (const [key, value] of orderedEntries(schema)) {
    if (dropped.has(key)) continue
    // IntOrString has no type and no alternatives: the extension says all of it.
    if ((key === 'anyOf' || key === 'type') && schema['x-kubernetes-int-or-string'] === true) continue
    if ((key === 'pattern' || key === 'allOf') && rulesHold(schema)) continue
    if ((key === 'minimum' || key === 'maximum') && Math.abs(Number(value)) === Number.MAX_SAFE_INTEGER) continue
    if (key === 'properties' && isRecord(value)) result[key] = rewriteProperties(value)
    else if (key === 'items' && isRecord(value)) result[key] = toStructural(value)
    else result[key] = value
  }
  if ('const' in schema) result['enum'] = [schema['const']]
  const values = schema['additionalProperties']
  if (isRecord(values) && schema['x-kubernetes-preserve-unknown-fields'] !== true) {
    result['additionalProperties'] = toStructural(values)
  }
  if ('default' in result) result['default'] = expandDefault(result, result['default'])
  return result
}

/**
 * A default with the defaults below it filled in. The API server checks the default of an object against its CEL rules before it fills in
 * nested defaults, so `{}` would fail every rule that reads a defaulted field.
 */
const expandDefault = (schema: JsonSchema, value: unknown): unknown => {
  const properties = schema['properties']
  if (!isRecord(value) || !isRecord(properties)) return value
  const filled = Object.entries(properties).flatMap(([name, child]) => {
    if (!isRecord(child)) return []
    if (name in value) return [[name, expandDefault(child, value[name])]]
    return 'default' in child ? [[name, expandDefault(child, child['default'])]] : []
  })
  return { ...value, ...Object.fromEntries(filled) }
}
