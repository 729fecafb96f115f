/** What wakes the reconcile of a Replay: itself, its Job and pods, its system, and what it waits for. */
import { label } from '../../api/v1alpha1/labels.ts'
import { replayKind, type ReplaySpec } from '../../api/v1alpha1/replay.ts'
import type { KubeObject } from '../../kube/object.ts'
import type { Controller } from '../../runtime/controller.ts'
import { wakeByJob, wakeByPod, wakeItself } from '../one-shot/wake.ts'
import type { Informers } from '../todochatbot/informers.ts'

/** Connects informers to the queue of replays. */
export function wakeReplays(informers: Informers, controller: Pick<Controller, 'enqueue'>): void {
  const wakeAll = (system: string, namespace: string | undefined, but?: string): void => {
    for (const { metadata } of replaysOf(informers, { name: system, namespace }))
      if (metadata.name !== but) controller.enqueue(metadata)
  }
  informers.Replay.onChange((change) => {
    wakeItself(change, controller)
    const { metadata } = change.object
    // Another one to the same worker may go on.
    if (!change.initial) wakeAll(specOf(change.object).system ?? '', metadata.namespace, metadata.name)
  })
  wakeByJob(informers, replayKind, controller)
  wakeByPod(informers, label.replay, controller)
  informers.TodoChatbot.onChange(({ object: { metadata }, initial }) => {
    if (!initial) wakeAll(metadata.name, metadata.namespace)
  })
}

/** Every Replay about a system. */
export function replaysOf(
  { Replay }: Pick<Informers, 'Replay'>,
  { name, namespace = '' }: { readonly name: string; readonly namespace?: string | undefined },
): readonly KubeObject[] {
  return Replay.inNamespace(namespace).filter((object) => specOf(object).system === name)
}

const specOf = ({ spec }: KubeObject): Partial<ReplaySpec> => (spec as Partial<ReplaySpec> | undefined) ?? {}
