import { z } from 'zod'
import { described, quantity, text, timestamp } from './field.ts'

/** Why something out of the ordinary was set, one line. */
export const reasonSchema = text({
  description: 'Why.',
  pattern: '^[^\\n\\r]*[^\\s][^\\n\\r]*$',
  message: 'reason must be one line that is not empty',
  max: 256,
})

/** Who set it, one line. */
export const bySchema = text({
  description: 'Who.',
  pattern: '^[^\\n\\r]*[^\\s][^\\n\\r]*$',
  message: 'by must be one line that is not empty',
  max: 128,
})

/** What may be set for a time beside an isolation, as it is called in status and metrics. */
export const temporaryKinds = ['Debug', 'Boost'] as const
/** One of {@link temporaryKinds}. */
export type TemporaryKind = (typeof temporaryKinds)[number]

/** How a worker is isolated. */
export const isolationModes = ['ScaleDown', 'Network'] as const

/** Isolation of one worker: every field says why, who and until when, so that nobody has to remember to lift it. */
export const isolatedSchema = described(
  z.strictObject({
    mode: described(
      z.enum(isolationModes),
      'ScaleDown removes the pods and keeps their events waiting in Kafka. Network leaves the pods running for forensics, reached by the kubelet alone and cut off from everything else, out of their consumer group and their Service.',
    ),
    reason: reasonSchema,
    by: bySchema,
    until: timestamp('When the isolation ends by itself; an isolation without an end is not offered'),
  }),
  'Takes the worker out of the system until a time. Wins over autoscaling, remediation and restarts. Evidence is taken first (kind Incident).',
)

/** More resources for a time. */
export const boostSchema = described(
  z.strictObject({
    cpu: quantity('CPU to request instead; a CPU limit, where one is set, is raised to at least this.').optional(),
    memory: quantity('Memory to request and to limit instead.').optional(),
    reason: reasonSchema,
    by: bySchema.optional(),
    until: timestamp('When the ordinary resources return by themselves'),
  }),
  'Raises the resources of the worker until a time.',
)

/** When debug logging ends. */
export const debugUntilSchema = timestamp(
  'Until then the worker logs at level debug, whatever logLevel says; begins and ends without a restart',
)

/** Isolation as the API server stores it. */
export type Isolated = z.output<typeof isolatedSchema>
/** A boost as the API server stores it. */
export type Boost = z.output<typeof boostSchema>
