import { z } from 'zod'
import { durationGrammar, durationPattern, formatDuration, parseDuration } from '../durations.ts'

/**
 * Building blocks of the schema. A block carries its check twice from one source: as zod, for the operator and the unit tests, and as a CEL
 * rule with a message that says what is allowed, for the API server. A bare JSON-schema `pattern` would answer with the regular expression
 * only, so the CRD generator drops `pattern` wherever a rule stands for it (crd.ts).
 */

/** One entry of `x-kubernetes-validations`. `message` must be a single line. */
export interface Rule {
  readonly rule: string
  readonly message: string
  readonly fieldPath?: string
}

const key = 'x-kubernetes-validations'

/** The CEL rules already attached to a schema. */
const rulesOf = (schema: z.ZodType): readonly Rule[] => (schema.meta()?.[key] as readonly Rule[] | undefined) ?? []

/** Attaches CEL rules; those the schema already carries are kept. */
export const withRules = <T extends z.ZodType>(schema: T, ...rules: readonly Rule[]): T =>
  schema.meta({ ...schema.meta(), [key]: [...rulesOf(schema), ...rules] })

/** A rule over several fields, stated for the API server and for the operator. */
export interface Check<Value> extends Rule {
  readonly holds: (value: Value) => boolean
  /** Where zod reports it: the same place as `fieldPath`. */
  readonly path?: readonly string[]
}

/** Attaches checks over several fields: as CEL for the API server, as a refinement for the operator. */
export const checked = <T extends z.ZodType>(schema: T, ...checks: readonly Check<z.output<T>>[]): T => {
  const refined = checks.reduce<T>(
    (current, { holds, message, path }) => current.refine(holds, { message, path: [...(path ?? [])] }),
    schema,
  )
  return withRules(
    refined,
    ...checks.map(({ rule, message, path }) =>
      path === undefined ? { rule, message } : { rule, message, fieldPath: `.${path.join('.')}` },
    ),
  )
}

/** Attaches the text of `kubectl explain`. */
export const described = <T extends z.ZodType>(schema: T, description: string): T =>
  schema.meta({ ...schema.meta(), description })

/** A CEL literal of a regular expression; raw strings need no escapes, so the pattern must hold no single quote. */
const matches = (pattern: string): string => `self.matches(r'${pattern}')`

/** A string of at most `max` characters whose form is checked by `pattern` (RE2 and ECMAScript alike) and explained by `message`. */
export const text = (options: {
  readonly description: string
  readonly pattern: string
  readonly message: string
  readonly max: number
}): z.ZodString =>
  withRules(
    described(z.string().max(options.max).regex(new RegExp(options.pattern), options.message), options.description),
    {
      rule: matches(options.pattern),
      message: options.message,
    },
  )

/** A duration in the grammar of durations.ts, within [min, max] milliseconds. */
export const duration = (description: string, bounds: { readonly min: number; readonly max: number }): z.ZodString => {
  const range = `must lie between ${formatDuration(bounds.min)} and ${formatDuration(bounds.max)}`
  const within = (value: string): boolean => {
    if (!new RegExp(durationPattern).test(value)) return true // already reported by the grammar
    const length = parseDuration(value)
    return length >= bounds.min && length <= bounds.max
  }
  const base = text({
    description: `${description} (${durationGrammar}; ${range})`,
    pattern: durationPattern,
    message: durationGrammar,
    max: 24,
  })
  // CEL's own duration() knows no days: values that use them are held to the range by the operator (condition ConfigValid).
  const celBounds = `duration(self) >= duration('${String(bounds.min)}ms') && duration(self) <= duration('${String(bounds.max)}ms')`
  return withRules(base.refine(within, range), {
    rule: `!${matches(durationPattern)} || self.contains('d') || (${celBounds})`,
    message: range,
  })
}

/** An RFC 3339 date-time with a zone. */
export const timestamp = (description: string): z.ZodString =>
  text({
    description: `${description} (RFC 3339, such as 2026-12-31T18:00:00Z)`,
    pattern:
      '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$',
    message: 'must be an RFC 3339 date-time with a zone, such as 2026-12-31T18:00:00Z',
    max: 40,
  })

/** A Kubernetes quantity such as `256Mi` or `1`. */
export const quantity = (description: string): z.ZodString =>
  text({
    description,
    pattern: '^[0-9]+([.][0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$',
    message: 'must be a Kubernetes quantity, such as 100m, 0.5, 256Mi or 1Gi',
    max: 20,
  })

/** A DNS-1123 subdomain: the name of a Secret or a storage class. */
export const objectName = (description: string): z.ZodString =>
  text({
    description,
    pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$',
    message: 'must be the name of a Kubernetes object: lower-case letters, digits, "-" and "."',
    max: 253,
  })

/** A key inside a Secret. */
export const secretKey = (description: string): z.ZodString =>
  text({
    description,
    pattern: '^[-._a-zA-Z0-9]+$',
    message: 'must be a key of a Secret: letters, digits, "-", "_" and "."',
    max: 253,
  })

/** host:port, with a DNS name or an IPv4 address as the host. */
export const hostPort = (description: string): z.ZodString =>
  text({
    description,
    pattern: '^[a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?:([1-9][0-9]{0,4})$',
    message: 'must be host:port, such as kafka-0.example.com:9092',
    max: 260,
  })
