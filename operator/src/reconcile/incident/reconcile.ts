/**
 * Reconciles one Incident: notes when it began, makes a Job that collects, and writes down what the Job said. Everything it needs to go on is in
 * the Incident's status or in objects of fixed names, so that the operator may be killed after any write. The permissions of the Job end with
 * the Incident. Proof: operator/test/incident.integration.test.ts.
 */
import { parseIncident, isFinished, type Incident, type IncidentStatus } from '../../api/v1alpha1/incident.ts'
import { label } from '../../api/v1alpha1/labels.ts'
import { names } from '../../api/v1alpha1/names.ts'
import { parseTodoChatbot } from '../../api/v1alpha1/parse.ts'
import { describeProblems } from '../../api/v1alpha1/problems.ts'
import type { Applier } from '../../apply/kube.ts'
import type { Owner } from '../../apply/ownership.ts'
import { evidenceClaim, evidenceObjects } from '../../desired/evidence.ts'
import type { OperandImages } from '../../desired/types.ts'
import type { KubeClient } from '../../kube/client.ts'
import { kinds } from '../../kube/kinds.ts'
import { controllerOf, keyOf, type KubeObject } from '../../kube/object.ts'
import type { Outcome, Reconcile } from '../../runtime/controller.ts'
import type { EventInput } from '../../runtime/events.ts'
import { finding, type Finding } from '../errors.ts'
import { adopt } from '../one-shot/adopt.ts'
import { bringAbout } from '../one-shot/bring-about.ts'
import { jobInput } from '../one-shot/job-input.ts'
import type { EventReason } from '../todochatbot/events.ts'
import type { Informers } from '../todochatbot/informers.ts'
import type { StatusWriter } from '../todochatbot/status-writer.ts'
import { claimView, jobView, podView } from '../todochatbot/views.ts'
import { ensureClaim } from './claim.ts'
import { conclude, started } from './conclude.ts'

/** Everything a reconcile of an Incident works with. */
export interface IncidentDependencies {
  readonly informers: Informers
  readonly client: KubeClient
  readonly applier: Applier
  readonly statuses: StatusWriter<IncidentStatus>
  readonly fieldManager: string
  readonly operatorVersion: string
  readonly images: OperandImages
  /** ms since the epoch */
  readonly now: () => number
  readonly record: (resource: KubeObject, event: EventInput<EventReason>) => void
}

/** Pause before what failed is tried again, ms. */
const retryPause = 2_000

/** Makes the reconcile function of the incident controller. */
export function incidentReconciler(deps: IncidentDependencies): Reconcile {
  return async (request, { signal }) => {
    const object = deps.informers.Incident.get(request)
    if (object === undefined) {
      deps.statuses.forget(keyOf(request))
      return { kind: 'done' }
    }
    if (object.metadata.deletionTimestamp !== undefined)
      return { kind: 'wait', reason: 'the garbage collector removes what is owned' }
    const parsed = parseIncident(object)
    if ('problems' in parsed) return { kind: 'wait', reason: describeProblems(parsed.problems) }
    const { incident } = parsed
    if (isFinished(incident.status)) {
      await withdrawPermissions(deps, object, signal)
      return { kind: 'done' }
    }
    if (incident.status?.startedAt === undefined) {
      await deps.statuses.write(object, started(incident, deps.now()), signal)
      return { kind: 'again', afterMs: 0 }
    }
    const problem = await collect(deps, object, incident, signal)
    return writeDown(deps, object, incident, problem, signal)
  }
}

/** Brings the Job about. Returns what is in the way. */
async function collect(
  deps: IncidentDependencies,
  object: KubeObject,
  incident: Incident,
  signal: AbortSignal,
): Promise<Finding | undefined> {
  const { informers, applier } = deps
  const { namespace } = incident.metadata
  const system = informers.TodoChatbot.get({ namespace, name: incident.spec.system })
  const parsed = system === undefined ? undefined : parseTodoChatbot(system)
  if (parsed?.ok !== true) {
    const why = system === undefined ? 'does not exist' : 'does not fit the schema of this operator'
    return finding('Waiting', `TodoChatbot/${incident.spec.system}`, why)
  }
  // The Job was made before: what it needs was, too.
  if (informers.Job.get({ namespace, name: names.evidence(incident.metadata.name) }) !== undefined) return undefined
  if (controllerOf(object) === undefined) await adopt(deps, informers.Incident, object, parsed.bot, signal)
  const input = { ...jobInput(parsed.bot, deps), incident }
  await ensureClaim(deps, evidenceClaim(input), signal)
  return bringAbout(applier, object, evidenceObjects(input), signal)
}

async function writeDown(
  deps: IncidentDependencies,
  object: KubeObject,
  incident: Incident,
  problem: Finding | undefined,
  signal: AbortSignal,
): Promise<Outcome> {
  const { informers, now, statuses } = deps
  const { namespace, name } = incident.metadata
  const job = informers.Job.get({ namespace, name: names.evidence(name) })
  const claim = informers.PersistentVolumeClaim.get({ namespace, name: claimName(incident) })
  const status = conclude({
    incident,
    job: job === undefined ? undefined : jobView(job),
    pods: informers.Pod.inNamespace(namespace)
      .filter(({ metadata }) => metadata.labels?.[label.incident] === name)
      .map(podView),
    claim: claim === undefined ? undefined : claimView(claim),
    problem,
    now: now(),
  })
  await statuses.write(informers.Incident.get(incident.metadata) ?? object, status, signal)
  if (isFinished(status)) {
    deps.record(object, eventOf(status))
    return { kind: 'again', afterMs: 0 }
  }
  const left = Math.max(0, Date.parse(status.deadline ?? '') - now())
  return { kind: 'again', afterMs: Math.max(100, problem === undefined ? left : Math.min(left, retryPause)) }
}

/** The Job is done, or given up: nobody may read on its behalf any more. The Job itself and its log stay for a while. */
async function withdrawPermissions(
  { applier }: IncidentDependencies,
  object: KubeObject,
  signal: AbortSignal,
): Promise<void> {
  const owner: Owner = { ...object, metadata: { ...object.metadata, uid: object.metadata.uid ?? '' } }
  await applier.pruneObjects({
    owner,
    kinds: [kinds.RoleBinding, kinds.Role, kinds.ServiceAccount],
    keep: () => false,
    signal,
  })
}

const claimName = ({ spec }: Incident): string => names.evidenceClaim(spec.system)

function eventOf({ phase, summary = '' }: IncidentStatus): EventInput<EventReason> {
  return phase === 'Succeeded'
    ? { type: 'Normal', reason: 'EvidenceCollected', action: 'Collect', note: summary }
    : { type: 'Warning', reason: 'EvidenceIncomplete', action: 'Collect', note: summary }
}
