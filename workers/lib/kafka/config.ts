import { z } from 'zod'

/** How a Job reaches Kafka. Credentials are files below the secrets directory. */
export const kafkaConnectionSchema = z.object({
  brokers: z.array(z.string().min(1)).min(1),
  /** Present: TLS. `ca` is a path below the secrets directory; without it the public authorities decide. */
  tls: z.object({ ca: z.string().optional() }).optional(),
  /** `username` and `password` are paths below the secrets directory. */
  sasl: z
    .object({
      mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']),
      username: z.string(),
      password: z.string(),
    })
    .optional(),
})

/** See {@link kafkaConnectionSchema}. */
export type KafkaConnection = z.output<typeof kafkaConnectionSchema>
