import type { Resources } from '../api/v1alpha1/schema/resources.ts'
import type { RaisedMemory } from './types.ts'

/** Resources with a raised memory limit, which counts only as long as the spec gives the limit it was raised from. */
export const withRaisedMemory = (resources: Resources, raised: RaisedMemory | undefined): Resources =>
  raised === undefined || raised.ordinary !== resources.limits?.memory
    ? resources
    : { ...resources, limits: { ...resources.limits, memory: raised.limit } }
