/**
 * Carries out what the entry of status.remediation in state Acting says. Told again, it does nothing a second time: a restart is an annotation
 * with the entry's id, pods to be deleted are named in the entry, and their replacements have other names.
 */
import { annotation } from '../../../api/v1alpha1/labels.ts'
import { names, workerNames, type WorkerName } from '../../../api/v1alpha1/names.ts'
import type { RemediationStatus } from '../../../api/v1alpha1/schema/status.ts'
import type { KubeClient } from '../../../kube/client.ts'
import { kinds } from '../../../kube/kinds.ts'
import { KubeError } from '../../../kube/kube-error.ts'
import type { KubeObject } from '../../../kube/object.ts'
import type { Informers } from '../informers.ts'
import type { Seen } from '../observe.ts'
import type { Acted } from './types.ts'

/** What acting needs. */
export interface ActTools {
  readonly client: KubeClient
  readonly informers: Informers
  readonly fieldManager: string
}

/** Does what the entry says, if there is one to be carried out. Failures are part of the answer; it rejects only when the signal aborts. */
export async function actOn(tools: ActTools, seen: Seen, signal: AbortSignal): Promise<Acted | undefined> {
  const entry = seen.bot.status?.remediation?.find(({ state }) => state === 'Acting')
  if (entry === undefined) return undefined
  const { id } = entry
  if (seen.isolation.current.some(({ worker, inForce }) => inForce && workerNames[worker] === entry.worker))
    return { id, done: false, problem: 'the worker is isolated' }
  if (seen.fence !== undefined) return { id, done: false, problem: 'a restore is under way' }
  if (seen.paused || seen.problems.length > 0) return { id, done: false, problem: 'the system is paused' }
  try {
    const problem = await doIt(tools, seen, entry, signal)
    return problem === undefined ? { id, done: true } : { id, done: false, problem }
  } catch (error) {
    if (!(error instanceof KubeError)) throw error
    return { id, done: false, problem: error.message }
  }
}

/** Why it is not done yet; undefined when it is. */
async function doIt(
  tools: ActTools,
  { bot }: Seen,
  entry: RemediationStatus,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { name: system, namespace } = bot.metadata
  const deployment = { namespace, name: names.worker(system, entry.worker as WorkerName) }
  switch (entry.action) {
    case 'Recreate':
      return deletePods(tools, namespace, entry, signal)
    case 'Restart':
      return restart(tools, deployment, entry, signal)
    case 'RollBack':
      return isRolledBack(
        tools,
        deployment,
        bot.status?.blockedRevisions?.find(({ worker }) => worker === entry.worker),
      )
    case 'RaiseMemory':
      return memoryIsRaised(
        tools,
        deployment,
        bot.status?.services?.find(({ name }) => name === entry.worker),
      )
    default:
      return `this operator does not know the action ${entry.action}`
  }
}

type Ref = { readonly namespace: string; readonly name: string }

async function deletePods(
  { client, informers }: ActTools,
  namespace: string,
  { objects = [] }: RemediationStatus,
  signal: AbortSignal,
): Promise<undefined> {
  for (const object of objects) {
    const pod = informers.Pod.get({ namespace, name: object.replace('Pod/', '') })
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) continue
    await client.delete(kinds.Pod, pod.metadata, { uid: pod.metadata.uid, signal })
  }
  return undefined
}

/** As `kubectl rollout restart` does, with an annotation of ours that the ordinary apply does not own and so does not remove. */
async function restart(
  { client, informers, fieldManager }: ActTools,
  ref: Ref,
  { id }: RemediationStatus,
  signal: AbortSignal,
): Promise<string | undefined> {
  const live = informers.Deployment.get(ref)
  if (live === undefined) return `Deployment/${ref.name} does not exist`
  if (remediatedBy(informers.Deployment.whole(live)) === id) return undefined
  const patch = { spec: { template: { metadata: { annotations: { [annotation.remediation]: id } } } } }
  informers.Deployment.observe(await client.patch(kinds.Deployment, ref, patch, { fieldManager, signal }))
  return undefined
}

/** Rollouts do it as soon as the template is refused in status; here is only seen that they did. */
function isRolledBack(
  { informers }: ActTools,
  ref: Ref,
  refused: { readonly template: string } | undefined,
): string | undefined {
  const holds = informers.Deployment.get(ref)?.metadata.annotations?.[annotation.templateHash]
  return refused !== undefined && holds !== undefined && holds !== refused.template
    ? undefined
    : `Deployment/${ref.name} still holds the template that fails`
}

function memoryIsRaised(
  { informers }: ActTools,
  ref: Ref,
  service: { readonly name: string; readonly raisedMemory?: { readonly limit: string } | undefined } | undefined,
): string | undefined {
  const live = informers.Deployment.get(ref)
  const container = live && containersOf(informers.Deployment.whole(live)).find(({ name }) => name === service?.name)
  return container?.resources?.limits?.memory === service?.raisedMemory?.limit
    ? undefined
    : `Deployment/${ref.name} does not have the new limit yet`
}

/** The remediation that restarted a Deployment last. */
export const remediatedBy = (deployment: KubeObject): string | undefined =>
  templateOf(deployment).metadata?.annotations?.[annotation.remediation]

interface Template {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> }
  readonly spec?: { readonly containers?: readonly Container[] }
}
interface Container {
  readonly name: string
  readonly resources?: { readonly limits?: { readonly memory?: string } }
}

const templateOf = (deployment: KubeObject): Template =>
  ((deployment['spec'] ?? {}) as { template?: Template }).template ?? {}

const containersOf = (deployment: KubeObject): readonly Container[] => templateOf(deployment).spec?.containers ?? []
