/** Memory that the remediation gives a worker: recorded in status.services[].raisedMemory, from where desired/ takes it. Pure. */
import { canonicalQuantity, quantityValue } from '../../../api/v1alpha1/quantities.ts'
import { workerNames } from '../../../api/v1alpha1/names.ts'
import { workerFields } from '../../../api/v1alpha1/schema/services.ts'
import type { RemediationStatus, ServiceStatus } from '../../../api/v1alpha1/schema/status.ts'
import type { TodoChatbot } from '../../../api/v1alpha1/todochatbot.ts'
import type { ActiveSettings } from '../../../desired/types.ts'

/** `status.services[].raisedMemory` */
export type RaisedMemory = NonNullable<ServiceStatus['raisedMemory']>

/** A raise gives half as much again. */
const factor = 1.5
const mebibyte = 1024 * 1024

/** A memory limit now, what the spec gives without the remediation, and the most it may become. */
export interface MemoryBounds {
  /** Absent: the container has no limit of its own, so there is nothing to raise. */
  readonly ordinary: string | undefined
  readonly raised: RaisedMemory | undefined
  /** `spec.remediation.maxMemory`; absent: twice the ordinary limit. */
  readonly max: string | undefined
}

/** The raise that counts: one from another ordinary limit ended when the spec was edited. */
export const raiseInForce = ({ ordinary, raised }: Omit<MemoryBounds, 'max'>): RaisedMemory | undefined =>
  raised !== undefined && raised.ordinary === ordinary ? raised : undefined

/** The next larger limit within the bound, in whole MiB; undefined when nothing is left to give. */
export function nextLimit(bounds: MemoryBounds): string | undefined {
  const { ordinary, max } = bounds
  if (ordinary === undefined) return undefined
  const current = quantityValue(raiseInForce(bounds)?.limit ?? ordinary)
  const most = max === undefined ? 2 * quantityValue(ordinary) : quantityValue(max)
  const next = Math.floor(Math.min(most, current * factor) / mebibyte)
  return next * mebibyte > current ? canonicalQuantity(`${next}Mi`) : undefined
}

/** The raise after a step of the remediation: the action RaiseMemory makes it, once. */
export function raiseAfter(bounds: MemoryBounds, entry: RemediationStatus | undefined): RaisedMemory | undefined {
  const before = raiseInForce(bounds)
  if (entry?.action !== 'RaiseMemory' || entry.state !== 'Acting' || before?.remediation === entry.id) return before
  const limit = nextLimit(bounds)
  return limit === undefined || bounds.ordinary === undefined
    ? before
    : { limit, ordinary: bounds.ordinary, since: entry.startedAt, remediation: entry.id }
}

/** What status says was raised, as a fact for desired/; empty when nothing was. */
export function raisedMemories({ status }: Pick<TodoChatbot, 'status'>): Pick<ActiveSettings, 'raisedMemory'> {
  const raised = workerFields.flatMap((field) => {
    const found = status?.services?.find(({ name }) => name === workerNames[field])?.raisedMemory
    return found === undefined ? [] : [[field, { limit: found.limit, ordinary: found.ordinary }] as const]
  })
  return raised.length === 0 ? {} : { raisedMemory: Object.fromEntries(raised) }
}
