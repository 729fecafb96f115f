/** What wakes the reconcile of every one-shot resource: itself, its Job, and the pods that bear its name in a label. */
import { controllerOf } from '../../kube/object.ts'
import type { Controller } from '../../runtime/controller.ts'
import type { Change } from '../../runtime/informer.ts'
import type { Informers } from '../todochatbot/informers.ts'

/** The kinds that are carried out once. */
type OneShotKind = 'Backup' | 'Restore' | 'Replay' | 'Incident'

/** The resource itself, unless its controller has just written it; those of the first list at low priority. */
export function wakeItself(
  { object, initial, own }: Pick<Change, 'object' | 'initial' | 'own'>,
  controller: Pick<Controller, 'enqueue'>,
): void {
  if (!own) controller.enqueue(object.metadata, initial ? 'low' : 'high')
}

/** The resource of this kind that a Job belongs to, unless its controller has just written the Job. */
export function wakeByJob({ Job }: Pick<Informers, 'Job'>, kind: OneShotKind, to: Pick<Controller, 'enqueue'>): void {
  Job.onChange(({ object, own }) => {
    const owner = controllerOf(object)
    if (owner?.kind === kind && !own) to.enqueue({ ...object.metadata, name: owner.name })
  })
}

/** The resource that a pod names in this label. */
export function wakeByPod({ Pod }: Pick<Informers, 'Pod'>, label: string, to: Pick<Controller, 'enqueue'>): void {
  Pod.onChange(({ object }) => {
    const name = object.metadata.labels?.[label]
    if (name !== undefined) to.enqueue({ ...object.metadata, name })
  })
}
