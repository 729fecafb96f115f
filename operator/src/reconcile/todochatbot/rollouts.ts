/** Brings the plan of the rollouts to bear on the desired objects: which template each worker's Deployment gets, and which are left alone. */
import { annotation } from '../../api/v1alpha1/labels.ts'
import { names, workerNames } from '../../api/v1alpha1/names.ts'
import { workerFields, type WorkerField } from '../../api/v1alpha1/schema/services.ts'
import { differences } from '../../apply/subset.ts'
import { ownTemplate, pinTemplate, type PodTemplate } from '../../desired/pinned-template.ts'
import type { DesiredObject } from '../../desired/types.ts'
import type { KubeObject } from '../../kube/object.ts'
import { finding, worst, type Finding } from '../errors.ts'
import { standingStill } from '../isolation/isolations.ts'
import { errorFinding } from '../rollout/error-share.ts'
import { planRollouts, type RolloutPlan, type WorkerRollout } from '../rollout/plan.ts'
import type { TemplateReader } from '../rollout/replica-sets.ts'
import { hasBeenReady, type Assessment, type Observed } from './assess.ts'
import type { Informers } from './informers.ts'

/** What the rollouts of a system come to. */
export interface Rollouts {
  /** Every desired object; Deployments hold the template that was chosen for them. */
  readonly objects: readonly DesiredObject[]
  /** Deployments that keep their template for now, as `Deployment/name`, with what they wait for. */
  readonly held: ReadonlyMap<string, Finding>
  /** Those of them that need no write at all. */
  readonly skip: ReadonlySet<string>
  readonly plan: RolloutPlan
  /** Hash of the template that the spec leads to. */
  readonly templates: Readonly<Record<WorkerField, string>>
}

/** What choosing works with. */
export interface RolloutTools {
  readonly informers: Informers
  readonly templates: TemplateReader
}

/** Chooses. Asks the API server only for a template to return to, once. */
export async function rolloutsFor(
  tools: RolloutTools,
  { observed, assessment }: { readonly observed: Observed; readonly assessment: Assessment },
  desired: readonly DesiredObject[],
  signal: AbortSignal,
): Promise<Rollouts> {
  const { seen } = observed
  const { name: system, namespace } = seen.bot.metadata
  const templates = templateHashes(desired)
  const plan = planRollouts(workerRollouts(observed, assessment, templates), hasBeenReady(seen))
  const held = new Map<string, Finding>()
  const skip = new Set<string>()
  const chosen = new Map<DesiredObject, DesiredObject>()
  const standing = standingStill(seen.isolation)
  for (const field of workerFields) {
    const choice = plan[field]
    if (choice.kind === 'Desired' && !standing.has(field)) continue
    const name = names.worker(system, workerNames[field])
    const id = `Deployment/${name}`
    const packed = tools.informers.Deployment.get({ namespace, name })
    const item = desired.find(({ object }) => object.kind === 'Deployment' && object.metadata.name === name)
    if (item === undefined || packed === undefined) continue
    if (standing.has(field)) {
      skip.add(id)
      if (packed.metadata.annotations?.[annotation.hash] !== item.object.metadata.annotations?.[annotation.hash])
        held.set(id, finding('Isolated', id, 'is changed when the isolation of its worker ends'))
      continue
    }
    if (choice.kind === 'Desired') continue
    const live = tools.informers.Deployment.whole(packed)
    const earlier = choice.kind === 'Earlier' ? await earlierTemplate(tools, live, choice.template, signal) : undefined
    if (earlier !== undefined) {
      chosen.set(item, pinTemplate(item, earlier))
      continue
    }
    held.set(id, choice.kind === 'Held' ? choice.by : finding('RolloutFailed', id, 'has no ReplicaSet to return to'))
    const pinned = pinTemplate(item, ownTemplate(templateOf(live)))
    if (differences(besideTemplate(item.object), live).length === 0) skip.add(id)
    else chosen.set(item, pinned)
  }
  return { objects: desired.map((item) => chosen.get(item) ?? item), held, skip, plan, templates }
}

/** Hash of the template of every worker among desired objects. */
export function templateHashes(desired: readonly DesiredObject[]): Readonly<Record<WorkerField, string>> {
  const entries = desired
    .filter(({ object }) => object.kind === 'Deployment')
    .map(({ object }) => [object.metadata.labels?.['app.kubernetes.io/name'], object] as const)
  return Object.fromEntries(
    workerFields.map((field) => {
      const found = entries.find(([worker]) => worker === workerNames[field])
      return [field, found?.[1].metadata.annotations?.[annotation.templateHash] ?? '']
    }),
  ) as Record<WorkerField, string>
}

/** How every worker stands, for the plan. */
export function workerRollouts(
  observed: Observed,
  assessment: Assessment,
  templates: Readonly<Record<WorkerField, string>>,
): Readonly<Record<WorkerField, WorkerRollout>> {
  const { seen, live } = observed
  const services = seen.bot.status?.services ?? []
  const blocked = seen.bot.status?.blockedRevisions ?? []
  const standing = standingStill(seen.isolation)
  return Object.fromEntries(
    workerFields.map((field): readonly [WorkerField, WorkerRollout] => {
      const worker = workerNames[field]
      const { name, live: view, wanted } = live.workers[field]
      const { lastHealthy, healthyBefore } = services.find((entry) => entry.name === worker) ?? {}
      return [
        field,
        {
          object: `Deployment/${name}`,
          // A worker that is cut off neither changes nor holds up the others.
          desired: standing.has(field) ? (view?.template?.hash ?? templates[field]) : templates[field],
          exists: view !== undefined,
          live: view?.template?.hash,
          mixed: !standing.has(field) && view !== undefined && view.replicas > view.updated,
          unhealthy: wanted === 0 || standing.has(field) ? undefined : unhealthyFinding(observed, assessment, field),
          healthy: [lastHealthy, healthyBefore].flatMap((one) => (one === undefined ? [] : [one.template])),
          refused: blocked.filter((entry) => entry.worker === worker),
        },
      ]
    }),
  ) as Record<WorkerField, WorkerRollout>
}

/** Why a worker is not really healthy: its pods, their sidecars, events that it ought to take and does not, or errors. */
export const unhealthyFinding = (
  { kafka, live, seen }: Pick<Observed, 'kafka' | 'live' | 'seen'>,
  assessment: Assessment,
  field: WorkerField,
): Finding | undefined => {
  const { name, pods } = live.workers[field]
  const object = `Deployment/${name}`
  return worst([
    assessment.workers[field],
    assessment.sidecars[field],
    stuckFinding(kafka, field, object),
    errorFinding(object, pods, live.health, seen.bot.spec.update.maxErrorPercent),
  ])
}

/** A consumer whose lag grows while its offset stands still. */
function stuckFinding(report: Observed['kafka'], field: WorkerField, object: string): Finding | undefined {
  if (report?.at === undefined || report.unreachable !== undefined) return undefined
  const stuck = report.consumers[field]?.topics.find(
    ({ stillSince, lag, lagBefore }) => stillSince !== undefined && lagBefore !== undefined && lag > lagBefore,
  )
  return stuck === undefined
    ? undefined
    : finding('LagGrowing', object, `takes no events of ${stuck.topic} while ${stuck.lag} wait, and more come`)
}

/** ConfigMaps that a template of now or of the past needs, as `ConfigMap/name`: what a rollback returns to must still find its configuration. */
export function configMapsInUse({ seen, live }: Observed): ReadonlySet<string> {
  const past = (seen.bot.status?.services ?? []).flatMap(({ lastHealthy, healthyBefore }) => [
    lastHealthy?.config,
    healthyBefore?.config,
  ])
  const present = workerFields.map((field) => live.workers[field].live?.template?.config)
  return new Set([...past, ...present].flatMap((name) => (name === undefined ? [] : [`ConfigMap/${name}`])))
}

async function earlierTemplate(
  { templates }: RolloutTools,
  live: KubeObject,
  hash: string,
  signal: AbortSignal,
): Promise<PodTemplate | undefined> {
  const found = await templates.read(live, hash, signal)
  if (found !== undefined) return found
  return live.metadata.annotations?.[annotation.templateHash] === hash ? ownTemplate(templateOf(live)) : undefined
}

const templateOf = (deployment: KubeObject): PodTemplate =>
  (deployment['spec'] as { readonly template: PodTemplate }).template

/** A Deployment without its template and what tells of it. */
function besideTemplate(object: KubeObject): KubeObject {
  const { apiVersion, kind, metadata } = object
  const spec = Object.fromEntries(
    Object.entries(object['spec'] as Readonly<Record<string, unknown>>).filter(([field]) => field !== 'template'),
  )
  return { apiVersion, kind, metadata: { name: metadata.name }, spec }
}
