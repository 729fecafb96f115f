/** What wakes the reconcile of a Restore: itself and its neighbours, its Jobs and pods, backups, its system and that system's workers. */
import { label } from '../../api/v1alpha1/labels.ts'
import { restoreKind, type RestoreSpec } from '../../api/v1alpha1/restore.ts'
import type { KubeObject } from '../../kube/object.ts'
import type { Controller } from '../../runtime/controller.ts'
import { wakeByJob, wakeItself } from '../one-shot/wake.ts'
import type { Informers } from '../todochatbot/informers.ts'

/** Connects informers to the queue of restores. */
export function wakeRestores(informers: Informers, controller: Pick<Controller, 'enqueue'>): void {
  const wakeAbout = (namespace: string | undefined, system: string | undefined, but?: string): void => {
    for (const { metadata, spec } of informers.Restore.inNamespace(namespace ?? ''))
      if ((spec as Partial<RestoreSpec> | undefined)?.system === system && metadata.name !== but)
        controller.enqueue(metadata)
  }
  informers.Restore.onChange((change) => {
    wakeItself(change, controller)
    const { metadata, spec } = change.object
    if (!change.initial)
      wakeAbout(metadata.namespace, (spec as Partial<RestoreSpec> | undefined)?.system, metadata.name)
  })
  wakeByJob(informers, restoreKind, controller)
  const wakeByLabel = (object: KubeObject): void => {
    const { labels = {}, namespace } = object.metadata
    const name = labels[label.restore]
    if (name !== undefined) controller.enqueue({ ...object.metadata, name })
    else wakeAbout(namespace, labels[label.instance])
  }
  for (const kind of ['Pod', 'Deployment'] as const)
    informers[kind].onChange(({ object, initial, own }) => {
      if (!initial && !own) wakeByLabel(object)
    })
  informers.Backup.onChange(({ object, initial, own }) => {
    if (initial || own) return
    wakeAbout(object.metadata.namespace, (object['spec'] as { system?: string } | undefined)?.system)
  })
  informers.TodoChatbot.onChange(({ object, initial }) => {
    if (!initial) wakeAbout(object.metadata.namespace, object.metadata.name)
  })
}
