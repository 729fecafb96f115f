/**
 * Which workers are isolated, which wait for their evidence, and which isolations have to be ended: read from the spec, the clock, the
 * Deployments and the Incidents, so that it is the same after a restart. Pure.
 *
 *     asked for ─ no open Incident ──> ask for one ──> Incident settles ──> in force ── end reached or field removed ──> ended
 *
 * A Deployment carries the annotation {@link annotation.isolated} from the first write of an isolation in force to the last of its end, so an
 * isolation that once was in force needs no second evidence, and one that has to be ended is found. An Incident of an isolation is open until
 * that isolation has ended; so an edit of `until`, `reason` or `mode` goes on with the same evidence, and the next isolation takes its own.
 */
import type { IncidentSpec } from '../../api/v1alpha1/incident.ts'
import { isolationAt } from '../../api/v1alpha1/isolation.ts'
import type { KubeObject } from '../../api/v1alpha1/kubernetes.ts'
import { annotation } from '../../api/v1alpha1/labels.ts'
import { workerNames } from '../../api/v1alpha1/names.ts'
import { workerFields, type WorkerField } from '../../api/v1alpha1/schema/services.ts'
import type { Isolated } from '../../api/v1alpha1/schema/temporary.ts'
import type { TodoChatbot } from '../../api/v1alpha1/todochatbot.ts'
import type { IsolatedWorker } from '../../desired/types.ts'
import { progressOf, type IncidentProgress, type IncidentRequest } from '../incident/request.ts'

/** One isolation that the spec asks for now. */
export interface Isolation {
  readonly worker: WorkerField
  readonly asked: Isolated
  /** Undefined: none was taken, or not yet. */
  readonly evidence: IncidentProgress | undefined
  /** The evidence is settled: whatever isolates the worker is brought about and kept. */
  readonly inForce: boolean
  /** Policies of others that allow traffic to or from its pods; Network only. */
  readonly allowedBy: readonly string[]
}

/** Everything about isolation of one system. */
export interface Isolations {
  readonly current: readonly Isolation[]
  /** Workers that carry the mark of an isolation that is not asked for any more. */
  readonly ending: readonly WorkerField[]
  /** Incidents of isolations that have ended, not yet closed. */
  readonly toClose: readonly KubeObject[]
}

/** What they are read from. */
export interface IsolationSources {
  readonly bot: TodoChatbot
  /** ms since the epoch */
  readonly now: number
  /** Of the workers that have one. */
  readonly deployments: Readonly<Partial<Record<WorkerField, KubeObject>>>
  /** Every Incident of the namespace. */
  readonly incidents: readonly KubeObject[]
  /** Names of foreign policies that allow traffic to or from the pods of a worker. */
  readonly allowedBy: (worker: WorkerField) => readonly string[]
}

/** Reads them. */
export function isolationsOf({ bot, now, deployments, incidents, allowedBy }: IsolationSources): Isolations {
  const open = incidents.filter((incident) => isOpen(bot, incident))
  const of = (worker: WorkerField): readonly KubeObject[] =>
    open.filter((incident) => specOf(incident).worker === workerNames[worker])
  const asked = workerFields.filter((worker) => isolationAt(bot, worker, now) !== undefined)
  return {
    current: asked.flatMap((worker): Isolation[] => {
      const isolated = isolationAt(bot, worker, now)
      if (isolated === undefined) return []
      const [incident] = of(worker)
      const evidence = incident === undefined ? undefined : progressOf(incident.metadata.name, incident, now)
      const deployment = deployments[worker]
      // Without pods there is nothing to take evidence of.
      const inForce = deployment === undefined || markOf(deployment) !== undefined || evidence?.settled === true
      const foreign = inForce && isolated.mode === 'Network' ? allowedBy(worker) : []
      return [{ worker, asked: isolated, evidence, inForce, allowedBy: foreign }]
    }),
    ending: workerFields.filter((worker) => !asked.includes(worker) && markOf(deployments[worker]) !== undefined),
    toClose: workerFields.filter((worker) => !asked.includes(worker)).flatMap(of),
  }
}

/** The mark of an isolation on a Deployment. */
export const markOf = (deployment: KubeObject | undefined): string | undefined =>
  deployment?.metadata.annotations?.[annotation.isolated]

/** The evidence to ask for. The generation tells this isolation from a later one of the same worker. */
export const evidenceRequest = (bot: TodoChatbot, { worker, asked }: Isolation): IncidentRequest => ({
  worker: workerNames[worker],
  trigger: 'Isolation',
  id: `generation ${bot.metadata.generation}`,
  reason: asked.reason,
  by: asked.by,
})

/** The facts that desired state is built from. `podsOf`: the pods of a worker that exist; `isCutOff`: its policy exists. */
export const isolatedFacts = (
  { current }: Isolations,
  podsOf: (worker: WorkerField) => IsolatedWorker['cutOff'],
  isCutOff: (worker: WorkerField) => boolean,
): Readonly<Partial<Record<WorkerField, IsolatedWorker>>> =>
  Object.fromEntries(
    current
      .filter(({ inForce }) => inForce)
      .map(({ worker, asked: { mode } }) => [
        worker,
        { mode, cutOff: mode === 'Network' || isCutOff(worker) ? podsOf(worker) : [] },
      ]),
  )

/** Taken for an isolation of this very system that has not ended. */
function isOpen({ metadata }: TodoChatbot, incident: KubeObject): boolean {
  const { system, trigger } = specOf(incident)
  return (
    system === metadata.name &&
    trigger === 'Isolation' &&
    incident.metadata.annotations?.[annotation.closedAt] === undefined &&
    incident.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid) === true
  )
}

const specOf = (incident: KubeObject): Partial<IncidentSpec> => incident['spec'] ?? {}

/** Workers whose pods must not change, whatever is rolled out or restarted meanwhile. */
export const standingStill = ({ current }: Isolations): ReadonlySet<WorkerField> =>
  new Set(current.flatMap(({ worker, inForce, asked }) => (inForce && asked.mode === 'Network' ? [worker] : [])))

/** When something happens by itself, in ms since the epoch: an isolation ends, or its evidence is waited for no longer. */
export const nextLook = ({ current }: Isolations): number | undefined => {
  const times = current.flatMap(({ asked, inForce, evidence }) => [
    Date.parse(asked.until),
    ...(inForce || evidence?.deadline === undefined ? [] : [evidence.deadline]),
  ])
  return times.length === 0 ? undefined : Math.min(...times)
}
