import type { Change } from '../../runtime/informer.ts'
import type { Priority } from '../../runtime/workqueue.ts'

/** Whether a status is still the default of the CRD, observedGeneration -1: nobody has looked at the system yet. */
export const neverBegun = (status: { readonly observedGeneration?: number } | undefined): boolean =>
  (status?.observedGeneration ?? -1) < 0

/**
 * How soon a change of a TodoChatbot counts. Before one that was never begun, those under way are finished (docs/adr/0038). Removal is never put
 * off.
 */
export function priorityOf({ type, object, initial }: Pick<Change, 'type' | 'object' | 'initial'>): Priority {
  if (type === 'delete' || object.metadata.deletionTimestamp !== undefined) return 'high'
  if (neverBegun(object['status'] as { observedGeneration?: number } | undefined)) return 'new'
  return initial ? 'low' : 'high'
}
