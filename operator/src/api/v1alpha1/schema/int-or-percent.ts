import { z } from 'zod'
import { described } from './field.ts'

/** `IntOrString` of the Kubernetes API (k8s.io/apimachinery/pkg/util/intstr), limited to counts and percentages. */
export const intOrPercent = (description: string): z.ZodUnion<readonly [z.ZodInt, z.ZodString]> =>
  described(
    z.union([
      z.int().min(0).max(100),
      z
        .string()
        .max(4)
        .regex(/^([0-9]|[1-9][0-9]|100)%$/, 'must be a number or a percentage, such as 1 or "50%"'),
    ]),
    description,
  ).meta({
    description,
    'x-kubernetes-int-or-string': true,
    'x-kubernetes-validations': [
      {
        rule: "type(self) == int ? self >= 0 && self <= 100 : self.matches(r'^([0-9]|[1-9][0-9]|100)%$')",
        message: 'must be a number from 0 to 100 or a percentage, such as 1 or "50%"',
      },
    ],
  })

/** A number of pods or a share of them. */
export type IntOrPercent = number | string

/** How many of `total` that is; a percentage is rounded up, as PodDisruptionBudgets do. */
export const countOf = (value: IntOrPercent, total: number): number =>
  typeof value === 'number' ? value : Math.ceil((Number(value.slice(0, -1)) / 100) * total)
