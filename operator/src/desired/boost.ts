import { canonicalQuantity, quantityValue } from '../api/v1alpha1/quantities.ts'
import type { Resources } from '../api/v1alpha1/schema/resources.ts'
import type { Boost } from '../api/v1alpha1/schema/temporary.ts'

const larger = (a: string | undefined, b: string): string =>
  canonicalQuantity(a !== undefined && quantityValue(a) > quantityValue(b) ? a : b)

/**
 * Resources with a boost: never less than without it. Memory is requested and limited alike, so that the pod may really use it; a CPU limit is
 * raised only where there is one.
 */
export const boosted = ({ requests, limits }: Resources, { cpu, memory }: Boost): Resources => ({
  requests: {
    ...requests,
    ...(cpu === undefined ? {} : { cpu: larger(requests?.cpu, cpu) }),
    ...(memory === undefined ? {} : { memory: larger(limits?.memory ?? requests?.memory, memory) }),
  },
  limits: {
    ...limits,
    ...(cpu === undefined || limits?.cpu === undefined ? {} : { cpu: larger(limits.cpu, cpu) }),
    ...(memory === undefined ? {} : { memory: larger(limits?.memory, memory) }),
  },
})
