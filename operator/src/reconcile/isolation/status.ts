/** What a status says about isolations. Pure. */
import type { ConditionUpdate } from '../../api/v1alpha1/conditions.ts'
import { names, workerNames } from '../../api/v1alpha1/names.ts'
import { workerFields, type WorkerField } from '../../api/v1alpha1/schema/services.ts'
import type { IsolationStatus, ServiceStatus } from '../../api/v1alpha1/schema/status.ts'
import type { TodoChatbot } from '../../api/v1alpha1/todochatbot.ts'
import { finding, type Finding } from '../errors.ts'
import type { Isolation, Isolations } from './isolations.ts'

/** What a worker's isolation is described from. */
export interface IsolationSeen {
  readonly bot: TodoChatbot
  readonly isolations: Isolations
  readonly previous: readonly ServiceStatus[]
  /** Addresses in the worker's consumer group; undefined when Kafka has not said. */
  readonly membersOf: (worker: WorkerField) => readonly string[] | undefined
  /** Addresses of the worker's pods. */
  readonly addressesOf: (worker: WorkerField) => readonly string[]
  /** RFC 3339, seconds. */
  readonly now: string
}

/** `services[].isolation` by worker: the isolation of now, or how the last one ended. */
export function isolationStatuses(seen: IsolationSeen): Readonly<Partial<Record<WorkerField, IsolationStatus>>> {
  return Object.fromEntries(
    workerFields.flatMap((worker) => {
      const before = seen.previous.find(({ name }) => name === workerNames[worker])?.isolation
      const current = seen.isolations.current.find((isolation) => isolation.worker === worker)
      const status = current === undefined ? endedStatus(seen, worker, before) : currentStatus(seen, current, before)
      return status === undefined ? [] : [[worker, status] as const]
    }),
  )
}

function currentStatus(
  seen: IsolationSeen,
  isolation: Isolation,
  before: IsolationStatus | undefined,
): IsolationStatus {
  const { asked, inForce, evidence } = isolation
  const state = inForce ? 'InForce' : 'CollectingEvidence'
  const since = before?.state === state && before.since !== undefined ? before.since : seen.now
  const warnings = inForce ? warningsOf(seen, isolation) : []
  const message = [...warnings, ...(evidence === undefined ? [] : [`Incident/${evidence.name}: ${evidence.line}`])]
  return {
    state,
    mode: asked.mode,
    reason: asked.reason,
    by: asked.by,
    until: asked.until,
    since,
    ...(evidence === undefined ? {} : { incident: evidence.name }),
    ...(message.length === 0 ? {} : { message: message.join('; ').slice(0, 1024) }),
  }
}

function warningsOf({ membersOf, addressesOf }: IsolationSeen, { worker, asked, allowedBy }: Isolation): string[] {
  if (asked.mode !== 'Network') return []
  const addresses = addressesOf(worker)
  const still = (membersOf(worker) ?? []).filter((host) => addresses.includes(host))
  return [
    ...allowedBy.map(
      (policy) => `NetworkPolicy/${policy} is not ours and allows traffic of its pods; delete it or exclude them`,
    ),
    ...still.map((host) => `${host} is still in its consumer group`),
  ]
}

/** An isolation that is over keeps its entry, with why: until the next one. */
function endedStatus(
  { bot, now, isolations }: IsolationSeen,
  worker: WorkerField,
  before: IsolationStatus | undefined,
): IsolationStatus | undefined {
  if (before === undefined || before.state === 'Ended') return before
  // Not everything is given back yet: that it has ended is said when it is true.
  if (isolations.ending.includes(worker)) return before
  const { isolated } = bot.spec.services[worker]
  const never = before.state === 'InForce' ? '' : ' before it was in force'
  const why =
    isolated === undefined
      ? `withdrawn${never}: spec.services.${worker}.isolated was removed`
      : `ended${never}: its time was up`
  return { ...before, state: 'Ended', since: now, message: `${why}; isolated by ${before.by}: ${before.reason}` }
}

/** What keeps a worker from being ready while it is isolated. */
export function isolationFinding({ metadata: { name } }: TodoChatbot, { worker, asked }: Isolation): Finding {
  const { mode, by, until, reason } = asked
  return finding(
    'Isolated',
    `Deployment/${names.worker(name, workerNames[worker])}`,
    `is isolated (${mode}) by ${by} until ${until}: ${reason}`,
  )
}

/** The condition Isolated. */
export function isolatedCondition(
  bot: TodoChatbot,
  statuses: Readonly<Partial<Record<WorkerField, IsolationStatus>>>,
): ConditionUpdate {
  const lines = (state: IsolationStatus['state']): string[] =>
    workerFields.flatMap((worker) => {
      const status = statuses[worker]
      if (status?.state !== state) return []
      const { mode, by, until, reason, message } = status
      return [
        `${workerNames[worker]}: ${mode} by ${by} until ${until}: ${reason}${message === undefined ? '' : ` (${message})`}`,
      ]
    })
  const say = (status: 'True' | 'False', reason: string, message: readonly string[]): ConditionUpdate => ({
    type: 'Isolated',
    status,
    reason,
    message: message.join('. ').slice(0, 4096),
  })
  const inForce = lines('InForce')
  const collecting = lines('CollectingEvidence').map((line) => `${line}; isolated when its evidence is taken`)
  if (inForce.length > 0) return say('True', 'Isolated', [...inForce, ...collecting])
  if (collecting.length > 0) return say('False', 'CollectingEvidence', collecting)
  const past = workerFields.filter((worker) => bot.spec.services[worker].isolated !== undefined)
  if (past.length === 0) return say('False', 'NotIsolated', ['No worker is isolated'])
  return say(
    'False',
    'Expired',
    past.map(
      (worker) =>
        `spec.services.${worker}.isolated.until is past (${bot.spec.services[worker].isolated?.until ?? ''}): ${workerNames[worker]} is not isolated; remove the field or move until`,
    ),
  )
}
