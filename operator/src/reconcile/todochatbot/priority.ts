import type { Change } from '../../runtime/informer.ts'
import type { Priority } from '../../runtime/workqueue.ts'

/**
 * How soon a change of a TodoChatbot counts. One whose status is still the default of the CRD (observedGeneration -1) was never begun: those under
 * way are finished first (docs/adr/0038). Removal is never put off.
 */
export function priorityOf({ type, object, initial }: Pick<Change, 'type' | 'object' | 'initial'>): Priority {
  if (type === 'delete' || object.metadata.deletionTimestamp !== undefined) return 'high'
  const { observedGeneration = -1 } = (object['status'] ?? {}) as { observedGeneration?: number }
  if (observedGeneration < 0) return 'new'
  return initial ? 'low' : 'high'
}
