import { describe, expect, test } from 'vitest'
import { openApiSchema } from './crd.ts'
import { definitions } from './definitions.ts'
import { toStructural } from './structural.ts'
import type { JsonSchema } from './structural.ts'

/** Every schema node below a value, with its path. */
const nodes = (value: unknown, path = ''): [string, JsonSchema][] => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  const schema = value as JsonSchema
  const children = Object.entries({ ...(schema['properties'] as JsonSchema | undefined) })
  const below = [
    ...children,
    ...(['items', 'additionalProperties'] as const).flatMap((key) =>
      typeof schema[key] === 'object' ? [[key, schema[key]] as const] : [],
    ),
  ]
  return [[path, schema], ...below.flatMap(([name, child]) => nodes(child, `${path}.${name}`))]
}

const roots = definitions.map((definition) => [definition.kind, openApiSchema(definition)] as const)
const everyNode = roots.flatMap(([kind, root]) => nodes(root, kind))
const specNodes = roots.flatMap(([kind, root]) => nodes(root, kind).filter(([path]) => path.startsWith(`${kind}.spec`)))

describe('the structural schema', () => {
  test.each(everyNode)('has a type at %s and nothing a CustomResourceDefinition refuses', (_path, schema) => {
    if (schema['x-kubernetes-int-or-string'] !== true) expect(schema['type']).toBeTypeOf('string')
    for (const key of [
      '$schema',
      '$ref',
      'const',
      'propertyNames',
      'patternProperties',
      'anyOf',
      'allOf',
      'oneOf',
      'not',
    ]) {
      expect(schema).not.toHaveProperty([key])
    }
    expect(schema['additionalProperties']).not.toBe(false)
  })

  test('describes every field of the spec for kubectl explain', () => {
    const undescribed = specNodes
      .filter(([path, schema]) => !path.endsWith('.additionalProperties') && typeof schema['description'] !== 'string')
      .map(([path]) => path)
    expect(undescribed).toEqual([])
  })

  test('bounds every list and text of the spec, because CEL costs are estimated from them', () => {
    const unbounded = specNodes.filter(
      ([, schema]) =>
        (schema['type'] === 'string' && schema['maxLength'] === undefined && schema['enum'] === undefined) ||
        (schema['type'] === 'array' && schema['maxItems'] === undefined),
    )
    expect(unbounded.map(([path]) => path)).toEqual([])
  })

  test('has rules whose messages are single lines', () => {
    const rules = everyNode.flatMap(([, schema]) => (schema['x-kubernetes-validations'] ?? []) as { message: string }[])
    expect(rules.length).toBeGreaterThan(50)
    for (const { message } of rules) expect(message).toMatch(/^[^\n]+$/)
  })
})

describe('rewriting', () => {
  test('drops a pattern only where a rule stands for it', () => {
    const pattern = { type: 'string', pattern: '^a$' }
    expect(toStructural(pattern)).toEqual(pattern)
    expect(toStructural({ ...pattern, 'x-kubernetes-validations': [] })).not.toHaveProperty('pattern')
  })

  test('fills nested defaults into the default of an object', () => {
    const schema = {
      type: 'object',
      default: {},
      properties: {
        a: { type: 'integer', default: 1 },
        b: { type: 'object', default: {}, properties: { c: { type: 'string', default: 'd' } } },
        e: { type: 'string' },
      },
    }
    expect(toStructural(schema)['default']).toEqual({ a: 1, b: { c: 'd' } })
  })

  test('keeps free-form objects free', () => {
    const free = { type: 'object', additionalProperties: {}, 'x-kubernetes-preserve-unknown-fields': true }
    expect(toStructural(free)).toEqual({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true })
  })
})
