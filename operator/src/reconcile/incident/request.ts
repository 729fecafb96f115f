/**
 * How a procedure takes evidence before it does anything: it asks for an Incident under a name that follows from what it is about, as often as
 * it likes, and goes on when the Incident is settled. The Incident does the rest by itself, whatever becomes of the procedure.
 *
 *     const evidence = await ensureIncident(tools, bot, { worker: 'audit', trigger: 'Remediation', id, reason }, signal)
 *     if (!evidence.settled) return 'look again when the Incident changes, or at evidence.deadline'
 */
import {
  isFinished,
  type IncidentPhase,
  type IncidentStatus,
  type IncidentTrigger,
} from '../../api/v1alpha1/incident.ts'
import { incidentKind } from '../../api/v1alpha1/incident.ts'
import type { KubeObject } from '../../api/v1alpha1/kubernetes.ts'
import { label, manager } from '../../api/v1alpha1/labels.ts'
import type { WorkerName } from '../../api/v1alpha1/names.ts'
import { apiVersion, type TodoChatbot } from '../../api/v1alpha1/todochatbot.ts'
import { incidentDeadline } from '../../desired/evidence.ts'
import { shortHash } from '../../desired/hash.ts'
import { ownerReference } from '../../desired/object.ts'
import type { KubeClient } from '../../kube/client.ts'
import { kinds } from '../../kube/kinds.ts'
import { hasReason } from '../../kube/kube-error.ts'
import type { Informer } from '../../runtime/informer.ts'

/** What is asked for. */
export interface IncidentRequest {
  /** Kebab-case name of the worker. */
  readonly worker: WorkerName
  readonly trigger: IncidentTrigger
  /** What tells this occasion from others of the same system, worker and trigger, such as the id of a remediation. */
  readonly id: string
  /** One line. */
  readonly reason: string
  readonly by?: string
}

/** How an Incident stands. */
export interface IncidentProgress {
  readonly name: string
  /** Undefined: it does not exist, or the operator has not looked at it yet. */
  readonly phase: IncidentPhase | undefined
  /** Nothing more is to be waited for: it is finished, or it should have been long ago. */
  readonly settled: boolean
  /** For messages: what came of it, or what it is waiting for. */
  readonly line: string
  /** When it is settled at the latest, ms since the epoch; undefined while it does not exist. */
  readonly deadline: number | undefined
}

/** Longer than its own deadline: an Incident is the witness of a procedure, never its gaoler. ms */
const patience = incidentDeadline + 30_000

type Bot = Pick<TodoChatbot, 'metadata'>

/** The name of the Incident of a request: the same request always has the same one, and a system of the same name another. */
export const incidentName = (bot: Bot, { worker, trigger, id }: Omit<IncidentRequest, 'reason' | 'by'>): string =>
  `${bot.metadata.name}-${worker}-${shortHash({ uid: bot.metadata.uid, trigger, id })}`

/** The Incident of a request. */
export const incidentObject = (bot: Bot, request: IncidentRequest): KubeObject => {
  const { name: system, namespace } = bot.metadata
  const { worker, trigger, reason, by } = request
  return {
    apiVersion,
    kind: incidentKind,
    metadata: {
      name: incidentName(bot, request),
      namespace,
      labels: { [label.instance]: system, [label.name]: worker, [label.managedBy]: manager },
      ownerReferences: [ownerReference(bot)],
    },
    spec: { system, worker, trigger, reason, ...(by === undefined ? {} : { by }) },
  }
}

/** How an Incident stands at `now` (ms since the epoch). Pure. */
export const progressOf = (name: string, incident: KubeObject | undefined, now: number): IncidentProgress => {
  const status = incident?.['status'] as IncidentStatus | undefined
  if (incident === undefined)
    return { name, phase: undefined, settled: false, line: 'is asked for', deadline: undefined }
  const since = Date.parse(status?.startedAt ?? incident.metadata.creationTimestamp ?? '')
  const deadline = since + patience
  const finished = isFinished(status)
  const overdue = !finished && now >= deadline
  return {
    name,
    phase: status?.phase,
    settled: finished || overdue,
    line: overdue ? 'did not end within its deadline' : (status?.summary ?? 'is waiting for the operator'),
    deadline,
  }
}

/** What asking needs. */
export interface IncidentTools {
  readonly client: KubeClient
  readonly informers: { readonly Incident: Pick<Informer, 'get' | 'observe'> }
  readonly fieldManager: string
  /** ms since the epoch */
  readonly now: () => number
}

/** Makes the Incident if it does not exist, and says how it stands. One request at most, none when it exists. */
export const ensureIncident = async (
  { client, informers, fieldManager, now }: IncidentTools,
  bot: Bot,
  request: IncidentRequest,
  signal: AbortSignal,
): Promise<IncidentProgress> => {
  const object = incidentObject(bot, request)
  const { name } = object.metadata
  const known = informers.Incident.get(object.metadata)
  if (known !== undefined) return progressOf(name, known, now())
  const made = await client.create(object, { fieldManager, signal }).catch(async (error: unknown) => {
    if (!hasReason(error, 'AlreadyExists')) throw error
    return client.get(kinds.Incident, object.metadata, { signal })
  })
  informers.Incident.observe(made)
  return progressOf(name, made, now())
}
