/**
 * Deletion. Everything in Kubernetes goes by owner references, without us. Only topics on an External Kafka with deletionPolicy Delete need
 * the operator, and only then does a resource carry our finalizer. It is released in any case: when the topics are gone, when the policy
 * turns to Retain, and when Kafka has not answered for {@link removalDeadline} — with an event that names what is left behind. The workers
 * go first: a sidecar that still consumes would have the topic made anew by a broker that creates topics on demand.
 */
import { finalizer, label } from '../../api/v1alpha1/labels.ts'
import type { TodoChatbot } from '../../api/v1alpha1/todochatbot.ts'
import type { Applier } from '../../apply/kube.ts'
import { desiredTopics } from '../../desired/topics.ts'
import type { KubeClient } from '../../kube/client.ts'
import { hasReason, isNotFound } from '../../kube/kube-error.ts'
import { kinds } from '../../kube/kinds.ts'
import type { KubeObject } from '../../kube/object.ts'
import type { EventInput } from '../../runtime/events.ts'
import type { Outcome } from '../../runtime/controller.ts'
import { ownerOf } from './desire.ts'
import type { EventReason } from './events.ts'
import type { Seen, Sources } from './observe.ts'

/** How long an unreachable Kafka may hold up a deletion, in ms. */
export const removalDeadline = 60_000

/** Pause between two tries, in ms. */
const retryPause = 5_000

/** Whether topics have to be removed with this resource. An Embedded Kafka goes as a whole, by the policy of its volume. */
export function removesTopics({ spec }: Pick<TodoChatbot, 'spec'>): boolean {
  return spec.kafka.mode === 'External' && spec.kafka.deletionPolicy === 'Delete'
}

/** What cleaning up needs. */
export interface CleanupTools extends Pick<Sources, 'topics' | 'kafka' | 'now' | 'informers'> {
  readonly applier: Applier
  readonly client: KubeClient
  readonly fieldManager: string
  readonly record: (resource: KubeObject, event: EventInput<EventReason>) => void
}

/** Adds or takes our finalizer, as the spec wants it. Returns whether a write was needed. */
export async function alignFinalizer(
  tools: CleanupTools,
  { bot, resource }: Seen,
  signal: AbortSignal,
): Promise<boolean> {
  const has = resource.metadata.finalizers?.includes(finalizer) === true
  if (has === removesTopics(bot)) return false
  await setFinalizer(tools, resource, !has, signal)
  return true
}

/** Removes what the garbage collector cannot, then lets the resource go. */
export async function cleanUp(tools: CleanupTools, seen: Seen, signal: AbortSignal): Promise<Outcome> {
  const { resource, bot, key } = seen
  tools.topics.release(key)
  tools.kafka.release(key)
  if (resource.metadata.finalizers?.includes(finalizer) !== true)
    return { kind: 'wait', reason: 'the garbage collector removes what is owned' }
  if (removesTopics(bot)) {
    const lost = new Set(seen.conflicts.map(({ topic }) => topic))
    const mine = desiredTopics(bot)
      .map(({ name }) => name)
      .filter((name) => !lost.has(name))
    const asked = Date.parse(resource.metadata.deletionTimestamp ?? '')
    if ((await workersRemain(tools, seen, signal)) && tools.now() - asked < removalDeadline)
      return { kind: 'again', afterMs: 1_000 }
    const failure = await removeTopics(tools, seen, mine, signal)
    if (failure === undefined) {
      tools.record(resource, {
        type: 'Normal',
        reason: 'TopicsRemoved',
        action: 'Delete',
        note: `Removed ${mine.join(', ')}`,
      })
    } else if (tools.now() - asked < removalDeadline) {
      return { kind: 'again', afterMs: retryPause }
    } else {
      const note = `${mine.join(', ')} may be left behind: ${failure}. Remove them with Kafka's own tools`
      tools.record(resource, { type: 'Warning', reason: 'TopicsLeftBehind', action: 'Delete', note })
    }
  }
  await setFinalizer(tools, resource, false, signal)
  return { kind: 'done' }
}

/** Deletes the workers, which the garbage collector would do only after us; true while pods of theirs run. */
async function workersRemain({ applier, informers }: CleanupTools, seen: Seen, signal: AbortSignal): Promise<boolean> {
  const { name, namespace } = seen.bot.metadata
  await applier.pruneObjects({ owner: ownerOf(seen), kinds: [kinds.Deployment], keep: () => false, signal })
  return informers.Pod.inNamespace(namespace).some(
    ({ metadata: { labels } }) => labels?.[label.instance] === name && labels[label.component] === 'worker',
  )
}

/** Why topics could not be removed; undefined when they are gone. */
async function removeTopics(
  tools: CleanupTools,
  { connection }: Seen,
  names: readonly string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  if (connection === undefined) return 'the Secret with the credentials of Kafka is gone'
  try {
    const refused = await tools.topics.remove(connection, names, signal)
    return refused.size === 0 ? undefined : [...refused].map(([name, message]) => `${name}: ${message}`).join('; ')
  } catch (error) {
    signal.throwIfAborted()
    return error instanceof Error ? error.message : String(error)
  }
}

/** A merge patch replaces the whole list, so it names the version it was made from; a conflict means somebody was faster: look again. */
async function setFinalizer(
  { client, fieldManager, informers }: CleanupTools,
  resource: KubeObject,
  wanted: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { resourceVersion, finalizers = [] } = resource.metadata
  const others = finalizers.filter((other) => other !== finalizer)
  const patch = { metadata: { resourceVersion, finalizers: wanted ? [...others, finalizer] : others } }
  try {
    const patched = await client.patch(kinds.TodoChatbot, resource.metadata, patch, { fieldManager, signal })
    // The answer to the last finalizer of a deleted resource is the object that just went.
    if (wanted) informers.TodoChatbot.observe(patched)
  } catch (error) {
    if (isNotFound(error)) return
    if (!hasReason(error, 'Conflict')) throw error
  }
}
