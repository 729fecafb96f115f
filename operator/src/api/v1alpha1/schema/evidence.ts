import { z } from 'zod'
import { described, objectName, quantity } from './field.ts'
import { deletionPolicySchema } from './resources.ts'

/** Where evidence of incidents is kept. */
export const evidenceSchema = described(
  z.strictObject({
    size: quantity('Size of the volume; takes effect when it is first needed.').default('1Gi'),
    storageClassName: objectName(
      'Storage class; the default class of the cluster when absent. Takes effect when the volume is first needed.',
    ).optional(),
    deletionPolicy: deletionPolicySchema('the volume with the archives of incidents'),
  }),
  'The PersistentVolumeClaim <name>-evidence, made when the first Incident needs it.',
)

/** Evidence part of a spec as the API server stores it. */
export type Evidence = z.output<typeof evidenceSchema>
