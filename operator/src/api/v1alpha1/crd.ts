import { z } from 'zod'
import type { Rule } from './schema/field.ts'
import { toStructural } from './structural.ts'
import type { JsonSchema } from './structural.ts'
import { group, version } from './todochatbot.ts'

/** What one CustomResourceDefinition is made from. */
export interface Definition {
  readonly kind: string
  readonly plural: string
  readonly shortNames: readonly string[]
  /** Groups of kinds, such as `all` of `kubectl get all`. */
  readonly categories: readonly string[]
  /** First line of `kubectl explain`. */
  readonly description: string
  /** Rules over the whole object; `metadata.name` is only visible here. */
  readonly rules: readonly Rule[]
  /** Printer columns, made by {@link column}. */
  readonly columns: readonly JsonSchema[]
  readonly spec: z.ZodType
  readonly status: z.ZodType
  /** The status has one writer, which replaces it whole: the API server need not keep who owns which field of it (docs/adr/0037). */
  readonly atomicStatus?: true
}

/** One column of `kubectl get`; those of priority 1 show up with `-o wide`. */
export const column = (
  name: string,
  type: 'string' | 'integer' | 'date',
  jsonPath: string,
  description: string,
  priority = 0,
): JsonSchema => ({
  name,
  type,
  jsonPath,
  description,
  ...(priority === 0 ? {} : { priority }),
})

/** JSON path of the status of a condition. */
export const conditionPath = (type: string): string => `.status.conditions[?(@.type=="${type}")].status`

const structural = (schema: z.ZodType): JsonSchema =>
  toStructural(z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input' }))

/** Schema of the whole object, as `kubectl explain` and the API server read it. */
export const openApiSchema = ({ description, rules, spec, status, atomicStatus }: Definition): JsonSchema => {
  const specification = structural(spec)
  return {
    description,
    type: 'object',
    ...('default' in specification ? {} : { required: ['spec'] }),
    'x-kubernetes-validations': rules,
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec: specification,
      status: {
        ...structural(status),
        ...(atomicStatus === true ? { 'x-kubernetes-map-type': 'atomic' } : {}),
        // Makes a fresh object look unobserved to kstatus until the operator has seen it.
        default: { observedGeneration: -1 },
      },
    },
  }
}

/** The CustomResourceDefinition of one kind. */
export const customResourceDefinition = (definition: Definition): JsonSchema => {
  const { kind, plural, shortNames, categories, columns } = definition
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        shortNames,
        categories,
      },
      scope: 'Namespaced',
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns,
          schema: { openAPIV3Schema: openApiSchema(definition) },
        },
      ],
    },
  }
}
