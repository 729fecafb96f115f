/**
 * Carries isolations out and ends them. It comes before everything else of a reconcile and asks no gate: an isolation works while the resource is
 * paused, while an edit is refused, and while PostgreSQL is down. So it writes only what isolates: the policy, the selector of the Service, and of
 * a Deployment no more than its number of pods or that it stands still; a held-back edit stays held back.
 *
 * Begin (Network):   policy → Service, Deployment paused and marked
 * Begin (ScaleDown): Deployment marked, scaled to 0
 * End:               policy deleted → Service → Deployment as before, mark taken → Incident closed
 *
 * Each step is skipped when it is done already, and the mark is the first to come and the last to go, so the operator may be killed between any
 * two. Proof: operator/test/isolation.integration.test.ts.
 */
import { annotation, label } from '../../api/v1alpha1/labels.ts'
import type { IsolationMode } from '../../api/v1alpha1/isolation.ts'
import { names, workerNames } from '../../api/v1alpha1/names.ts'
import type { WorkerField } from '../../api/v1alpha1/schema/services.ts'
import { applyErrorOf } from '../../apply/apply-error.ts'
import type { Applier } from '../../apply/kube.ts'
import type { DesiredObject } from '../../desired/types.ts'
import { kinds } from '../../kube/kinds.ts'
import type { KubeObject } from '../../kube/object.ts'
import type { Finding } from '../errors.ts'
import { ensureIncident, type IncidentTools } from '../incident/request.ts'
import { failureOf } from '../todochatbot/apply.ts'
import { ownerOf } from '../todochatbot/desire.ts'
import type { Informers } from '../todochatbot/informers.ts'
import type { Seen } from '../todochatbot/observe.ts'
import { timestamp } from '../todochatbot/status/operation.ts'
import { evidenceRequest, markOf } from './isolations.ts'

/** What carrying out needs. */
export interface IsolationTools extends Omit<IncidentTools, 'informers'> {
  readonly informers: Informers
  readonly applier: Applier
}

/** Brings every isolation of a system one pass further. Returns what could not be written; nothing is asked or written without an isolation. */
export async function enforceIsolations(
  tools: IsolationTools,
  seen: Seen,
  desired: readonly DesiredObject[],
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const { current, ending, toClose } = seen.isolation
  if (current.length + ending.length + toClose.length === 0) return []
  const failures: Finding[] = []
  const attempt = async (object: KubeObject, write: () => Promise<unknown>): Promise<void> => {
    try {
      await write()
    } catch (error) {
      signal.throwIfAborted()
      failures.push(failureOf(applyErrorOf(object, error)))
    }
  }

  for (const isolation of current.filter(({ inForce, evidence }) => !inForce && evidence === undefined))
    await attempt(seen.resource, () => ensureIncident(tools, seen.bot, evidenceRequest(seen.bot, isolation), signal))

  const inForce = current.filter((isolation) => isolation.inForce)
  const touched = [...inForce.map(({ worker }) => worker), ...ending]
  failures.push(...(await alignNetwork(tools, seen, desired, touched, signal)))
  if (failures.length > 0) return failures

  for (const { worker, asked } of inForce) await alignDeployment(tools, seen, worker, asked.mode, attempt, signal)
  for (const worker of ending) await alignDeployment(tools, seen, worker, undefined, attempt, signal)
  if (failures.length > 0) return failures

  for (const incident of toClose) await attempt(incident, () => close(tools, incident, signal))
  return failures
}

/** Policies and Services of these workers as desired; policies and autoscalers that are not, deleted. */
async function alignNetwork(
  { applier }: IsolationTools,
  seen: Seen,
  desired: readonly DesiredObject[],
  touched: readonly WorkerField[],
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const owner = ownerOf(seen)
  const workers = new Set<string | undefined>(touched.map((worker) => workerNames[worker]))
  const concerned = desired.filter(
    ({ object: { kind, metadata } }) =>
      (kind === 'NetworkPolicy' || kind === 'Service') && workers.has(metadata.labels?.[label.name]),
  )
  const policies = new Set(
    desired.filter(({ object }) => object.kind === 'NetworkPolicy').map(({ object }) => object.metadata.name),
  )
  // The policies first: what an isolated pod may do until then is what it may do too long.
  const cut = await applier.applyObjects({
    owner,
    items: concerned.filter(({ object }) => object.kind === 'NetworkPolicy'),
    signal,
  })
  const isolated = new Set<string | undefined>(
    seen.isolation.current.flatMap(({ worker, inForce }) => (inForce ? [workerNames[worker]] : [])),
  )
  const gone = await applier.pruneObjects({
    owner,
    kinds: [kinds.NetworkPolicy, kinds.HorizontalPodAutoscaler, kinds.ScaledObject],
    keep: ({ kind, metadata }) =>
      kind === 'NetworkPolicy' ? policies.has(metadata.name) : !isolated.has(metadata.labels?.[label.name]),
    signal,
  })
  const served = await applier.applyObjects({
    owner,
    items: concerned.filter(({ object }) => object.kind === 'Service'),
    signal,
  })
  return [
    ...[...cut, ...served].flatMap((result) => (result.action === 'failed' ? [failureOf(result.error)] : [])),
    ...gone.failed.map(failureOf),
  ]
}

async function alignDeployment(
  { informers, client, fieldManager }: IsolationTools,
  { bot: { metadata }, fence }: Seen,
  worker: WorkerField,
  mode: IsolationMode | undefined,
  attempt: (object: KubeObject, write: () => Promise<unknown>) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const ref = { namespace: metadata.namespace, name: names.worker(metadata.name, workerNames[worker]) }
  const live = informers.Deployment.get(ref)
  if (live === undefined) return
  const patch = deploymentPatch(informers.Deployment.whole(live), mode, fence !== undefined)
  if (patch === undefined) return
  await attempt(live, async () => {
    informers.Deployment.observe(await client.patch(kinds.Deployment, ref, patch, { fieldManager, signal }))
  })
}

/**
 * What to change of a Deployment so that it is isolated like this, or not at all; undefined when it is. Only a Deployment with our mark is changed
 * back, and only in what its isolation changed. `fenced`: a restore holds the workers away, so none gets its pods back now.
 */
export function deploymentPatch(
  deployment: KubeObject,
  mode: IsolationMode | undefined,
  fenced = false,
): object | undefined {
  const { replicas = 1, paused = false } = (deployment['spec'] ?? {}) as { replicas?: number; paused?: boolean }
  const mark = markOf(deployment)
  const before = deployment.metadata.annotations?.[annotation.isolatedReplicas]
  const marks = (isolated: IsolationMode | null, count: string | null): object => ({
    annotations: { [annotation.isolated]: isolated, [annotation.isolatedReplicas]: count },
  })
  const restored = before === undefined || fenced ? {} : { replicas: Number(before) }
  switch (mode) {
    case 'Network':
      return mark === 'Network' && paused
        ? undefined
        : { metadata: marks('Network', null), spec: { paused: true, ...restored } }
    case 'ScaleDown':
      return mark === 'ScaleDown' && replicas === 0
        ? undefined
        : {
            metadata: marks('ScaleDown', before ?? String(replicas)),
            spec: { replicas: 0, ...(mark === 'Network' ? { paused: null } : {}) },
          }
    case undefined:
      return mark === undefined
        ? undefined
        : { metadata: marks(null, null), spec: mark === 'Network' ? { paused: null } : restored }
  }
}

/** Marks the Incident of an isolation that has ended, so that the next isolation takes evidence of its own. */
async function close(
  { client, informers, fieldManager, now }: IsolationTools,
  { metadata }: KubeObject,
  signal: AbortSignal,
): Promise<void> {
  const patch = { metadata: { annotations: { [annotation.closedAt]: timestamp(now()) } } }
  informers.Incident.observe(await client.patch(kinds.Incident, metadata, patch, { fieldManager, signal }))
}
