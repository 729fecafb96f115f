import type { Condition } from './schema/status.ts'

/** Condition types of a TodoChatbot. Ready, Reconciling and Stalled are kstatus; the others say which part. */
export const conditionTypes = [
  'Ready',
  'Reconciling',
  'Stalled',
  'ConfigValid',
  'DatabaseReady',
  'StateStoreReady',
  'KafkaReady',
  'TopicsReady',
  'DaprReady',
  'WorkersReady',
  'UpToDate',
  'Degraded',
  'ScalingLimited',
  'AuditIntact',
  'BackupCurrent',
  'Isolated',
  'Restoring',
  'Paused',
] as const
/** One of {@link conditionTypes}. */
export type ConditionType = (typeof conditionTypes)[number]

/** A condition before it is merged into a status: without times. */
export interface ConditionUpdate {
  readonly type: ConditionType
  readonly status: Condition['status']
  readonly reason: string
  readonly message: string
}

/** The condition of a type, if it was ever set. */
export const findCondition = (
  conditions: readonly Condition[] | undefined,
  type: ConditionType,
): Condition | undefined => conditions?.find((condition) => condition.type === type)

/**
 * Merges updates into conditions: `lastTransitionTime` moves only when `status` changes, the order is that of {@link conditionTypes}, and
 * conditions of other types are kept after them.
 * @param now RFC 3339 time with seconds
 */
export const mergeConditions = (
  conditions: readonly Condition[] | undefined,
  updates: readonly ConditionUpdate[],
  observedGeneration: number,
  now: string,
): Condition[] => {
  const merged = new Map((conditions ?? []).map((condition) => [condition.type, condition]))
  for (const update of updates) {
    const before = merged.get(update.type)
    const lastTransitionTime = before?.status === update.status ? before.lastTransitionTime : now
    merged.set(update.type, { ...update, observedGeneration, lastTransitionTime })
  }
  const rank = (type: string): number => {
    const index = (conditionTypes as readonly string[]).indexOf(type)
    return index < 0 ? conditionTypes.length : index
  }
  return [...merged.values()].sort((a, b) => rank(a.type) - rank(b.type))
}
