/** What wakes the reconcile of a Replay: itself, its Job and pods, its system, and what it waits for. */
import { label } from '../../api/v1alpha1/labels.ts'
import { replayKind, type ReplaySpec } from '../../api/v1alpha1/replay.ts'
import { controllerOf, type KubeObject } from '../../kube/object.ts'
import type { Controller } from '../../runtime/controller.ts'
import type { Informers } from '../todochatbot/informers.ts'

/** Connects informers to the queue of replays. */
export function wakeReplays(informers: Informers, controller: Pick<Controller, 'enqueue'>): void {
  const wakeAll = (system: string, namespace: string | undefined, but?: string): void => {
    for (const { metadata } of replaysOf(informers, { name: system, namespace }))
      if (metadata.name !== but) controller.enqueue(metadata)
  }
  informers.Replay.onChange(({ object: { metadata, ...rest }, initial, own }) => {
    if (!own) controller.enqueue(metadata, initial ? 'low' : 'high')
    // Another one to the same worker may go on.
    if (!initial) wakeAll(specOf({ metadata, ...rest }).system ?? '', metadata.namespace, metadata.name)
  })
  informers.Job.onChange(({ object, own }) => {
    const owner = controllerOf(object)
    if (owner?.kind === replayKind && !own) controller.enqueue({ ...object.metadata, name: owner.name })
  })
  informers.Pod.onChange(({ object }) => {
    const name = object.metadata.labels?.[label.replay]
    if (name !== undefined) controller.enqueue({ ...object.metadata, name })
  })
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
