/**
 * Whether each write of the operator had a cause. Causes are the creation of a system and its edits; each explains one write of every
 * object it changes, and a few of the status: that it was noticed, and how it ended. An answer that was lost with the API server or its
 * connection makes the operator repeat a write; so a fault between the two explains the second. Anything else is unexplained. Pure.
 */
import type { RecordedWrite } from '../api-audit-log.ts'

/** Something after which a system has to be written. */
export interface Cause {
  /** `namespace/name` of the system. */
  readonly system: string
  /** ms since 1970, not later than the API server received it. */
  readonly at: number
  /** Objects it changes, as `<plural>/<namespace>/<name>`. */
  readonly objects: ReadonlySet<string>
}

/** A time in which answers may have been lost, ms since 1970. */
export interface Fault {
  readonly from: number
  readonly to: number
}

/** Writes of status that one cause explains, noticed and done, and as many for each worker it rolls: every step of a rollout is stored. */
const STATUSES_PER_CAUSE = 2

/** How an object is named in {@link Cause}. */
export const objectKey = ({
  resource,
  namespace,
  name,
}: Pick<RecordedWrite, 'resource' | 'namespace' | 'name'>): string => `${resource}/${namespace}/${name}`

/** The writes that no cause explains. `writes` in the order in which they were received. */
export function unexplained(
  writes: readonly RecordedWrite[],
  causes: readonly Cause[],
  faults: readonly Fault[],
): readonly RecordedWrite[] {
  const found: RecordedWrite[] = []
  const spent = new Map<string, { count: number; last: number }>()
  const explains = (key: string, times: readonly number[], per: number, write: RecordedWrite): boolean => {
    const before = spent.get(key) ?? { count: 0, last: -Infinity }
    const due = times.filter((at) => at <= write.receivedAt).length * per
    const repeated = faults.some(({ from, to }) => from <= write.receivedAt && to >= before.last)
    if (before.count < due) spent.set(key, { count: before.count + 1, last: write.receivedAt })
    else if (repeated && due > 0) spent.set(key, { ...before, last: write.receivedAt })
    else return false
    return true
  }
  const times = timesBy(causes)
  for (const write of writes) {
    const status = write.resource === 'todochatbots'
    const key = status ? `status ${write.namespace}/${write.name}` : objectKey(write)
    if (!explains(key, times.get(key) ?? [], status ? STATUSES_PER_CAUSE : 1, write)) found.push(write)
  }
  return found
}

function timesBy(causes: readonly Cause[]): ReadonlyMap<string, readonly number[]> {
  const times = new Map<string, number[]>()
  const add = (key: string, at: number): void => {
    const known = times.get(key)
    if (known === undefined) times.set(key, [at])
    else known.push(at)
  }
  for (const { system, at, objects } of causes) {
    add(`status ${system}`, at)
    for (const object of objects) {
      add(object, at)
      if (object.startsWith('deployments/')) add(`status ${system}`, at)
    }
  }
  return times
}
