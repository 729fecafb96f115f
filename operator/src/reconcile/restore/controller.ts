/** What wakes the reconcile of a Restore: itself and its neighbours, its Jobs and pods, backups, its system and that system's workers. */
import { label } from '../../api/v1alpha1/labels.ts'
import { restoreKind, type RestoreSpec } from '../../api/v1alpha1/restore.ts'
import { controllerOf, type KubeObject } from '../../kube/object.ts'
import type { Controller } from '../../runtime/controller.ts'
import type { Informers } from '../todochatbot/informers.ts'

/** Connects informers to the queue of restores. */
export function wakeRestores(informers: Informers, controller: Pick<Controller, 'enqueue'>): void {
  const wakeAbout = (namespace: string | undefined, system: string | undefined): void => {
    for (const restore of informers.Restore.inNamespace(namespace ?? ''))
      if ((restore['spec'] as Partial<RestoreSpec> | undefined)?.system === system) controller.enqueue(restore.metadata)
  }
  informers.Restore.onChange(({ object, initial }) => {
    controller.enqueue(object.metadata, initial ? 'low' : 'high')
    if (!initial) wakeAbout(object.metadata.namespace, (object['spec'] as Partial<RestoreSpec> | undefined)?.system)
  })
  informers.Job.onChange(({ object }) => {
    const owner = controllerOf(object)
    if (owner?.kind === restoreKind) controller.enqueue({ ...object.metadata, name: owner.name })
  })
  const wakeByLabel = (object: KubeObject): void => {
    const { labels = {}, namespace } = object.metadata
    const name = labels[label.restore]
    if (name !== undefined) controller.enqueue({ ...object.metadata, name })
    else wakeAbout(namespace, labels[label.instance])
  }
  informers.Pod.onChange(({ object, initial }) => (initial ? undefined : wakeByLabel(object)))
  informers.Deployment.onChange(({ object, initial }) => (initial ? undefined : wakeByLabel(object)))
  informers.Backup.onChange(({ object, initial }) => {
    if (initial) return
    wakeAbout(object.metadata.namespace, (object['spec'] as { system?: string } | undefined)?.system)
  })
  informers.TodoChatbot.onChange(({ object, initial }) => {
    if (!initial) wakeAbout(object.metadata.namespace, object.metadata.name)
  })
}
