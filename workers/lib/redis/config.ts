import { z } from 'zod'

/** How a Job reaches the keys of a system in the Dapr state store. Credentials are files below the secrets directory. */
export const stateStoreSchema = z.object({
  /** host:port */
  address: z.string().min(1),
  /** Present: TLS. `ca` is a path below the secrets directory; without it the public authorities decide. */
  tls: z.object({ ca: z.string().min(1).max(512).optional() }).optional(),
  password: z.string().min(1).max(512).optional(),
  /** Keys of the system begin with one of these, `<namespace>.<app id>||`: a server may be shared. */
  keyPrefixes: z.array(z.string().min(1)).min(1),
})

/** See {@link stateStoreSchema}. */
export type StateStoreConfig = z.output<typeof stateStoreSchema>
