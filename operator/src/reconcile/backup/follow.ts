/** Follows a schedule: has made what is due, and says what the status has to note. */
import type { KubeObject } from '../../api/v1alpha1/kubernetes.ts'
import type { KubeClient } from '../../kube/client.ts'
import { hasReason, KubeError } from '../../kube/kube-error.ts'
import { timestamp } from '../todochatbot/status/operation.ts'
import { planSchedule, type ScheduleInput } from './schedule.ts'

/** What following needs. */
export interface FollowTools {
  readonly client: KubeClient
  readonly fieldManager: string
}

/** How a schedule stands. */
export interface Followed {
  /** RFC 3339 */
  readonly next?: string
  /** The time that is answered now, where it is another than before; RFC 3339. */
  readonly scheduledAt?: string
  /** Why it cannot be followed. */
  readonly problem?: string
  /** When to look again, ms from now. */
  readonly afterMs?: number
}

/** Pause before what could not be made is tried again, ms. */
const retry = 10_000
/** What was made is looked at after this, ms. */
const afterwards = 1_000

/** Makes what is due. @param make what answers a time of the schedule; its name follows from that time, so it may be made twice */
export async function followSchedule(
  { client, fieldManager }: FollowTools,
  input: ScheduleInput,
  make: (time: number) => KubeObject,
  signal: AbortSignal,
): Promise<Followed> {
  const { answered, now } = input
  const { due, next, problem, answered: kept } = planSchedule(input)
  const object = due === undefined ? undefined : make(due)
  const refused = object && (await create(client, object, { fieldManager, signal }))
  const scheduledAt = due !== undefined && refused === undefined ? due : kept
  const waits = [
    next === undefined ? Infinity : Math.max(1, next - now),
    due === undefined ? Infinity : refused === undefined ? afterwards : retry,
  ]
  const afterMs = Math.min(...waits)
  return {
    ...(next === undefined ? {} : { next: timestamp(next) }),
    // Noted only where it matters: the time of a schedule, or the first look at it.
    ...(scheduledAt === undefined || scheduledAt === answered ? {} : { scheduledAt: timestamp(scheduledAt) }),
    ...(problem === undefined ? {} : { problem }),
    ...(object === undefined || refused === undefined
      ? {}
      : { problem: `${object.kind}/${object.metadata.name} could not be created: ${refused}` }),
    ...(afterMs === Infinity ? {} : { afterMs }),
  }
}

/** Why the API server refused; anything but a refusal is thrown. */
async function create(
  client: KubeClient,
  object: KubeObject,
  options: { readonly fieldManager: string; readonly signal: AbortSignal },
): Promise<string | undefined> {
  try {
    await client.create(object, options)
    return undefined
  } catch (error) {
    // Made before we could note it, or by hand: either way that time is answered.
    if (hasReason(error, 'AlreadyExists')) return undefined
    if (error instanceof KubeError) return error.message
    throw error
  }
}
