/** What wakes the reconcile of a Backup: itself, its Job, the Job's pod, its system, another Backup of its system. */
import { backupKind, type BackupSpec, type BackupStatus } from '../../api/v1alpha1/backup.ts'
import { findCondition } from '../../api/v1alpha1/conditions.ts'
import { label } from '../../api/v1alpha1/labels.ts'
import { isFinished } from '../../api/v1alpha1/one-shot.ts'
import type { TodoChatbotStatus } from '../../api/v1alpha1/schema/status.ts'
import type { KubeObject } from '../../kube/object.ts'
import type { Controller } from '../../runtime/controller.ts'
import { wakeByJob, wakeByPod, wakeItself } from '../one-shot/wake.ts'
import type { Informers } from '../todochatbot/informers.ts'
import { unfinishedOf } from './turn.ts'

/** Connects informers to the queue of backups. */
export function wakeBackups(informers: Informers, controller: Pick<Controller, 'enqueue'>): void {
  const wakeWaiting = (namespace: string, system: string, but?: string): void => {
    for (const { metadata } of unfinishedOf(informers.Backup.inNamespace(namespace), system))
      if (metadata.name !== but) controller.enqueue(metadata)
  }
  informers.Backup.onChange((change) => {
    wakeItself(change, controller)
    const { type, initial, object } = change
    const { metadata, spec, status } = object
    const { system } = (spec ?? {}) as Partial<BackupSpec>
    // One that has ended or is gone was perhaps waited for.
    const over = type === 'delete' || isFinished(status as BackupStatus | undefined)
    if (over && !initial && system !== undefined) wakeWaiting(metadata.namespace ?? '', system, metadata.name)
  })
  wakeByJob(informers, backupKind, controller)
  informers.Job.onChange(({ object }) => {
    const labels = object.metadata.labels ?? {}
    if (labels[label.backupTask] === 'Prune') wakeWaiting(object.metadata.namespace ?? '', labels[label.instance] ?? '')
  })
  wakeByPod(informers, label.backup, controller)
  informers.TodoChatbot.onChange(({ object, previous, initial }) => {
    if (initial || (previous !== undefined && conditionsOf(previous) === conditionsOf(object))) return
    wakeWaiting(object.metadata.namespace ?? '', object.metadata.name)
  })
}

/** What a waiting Backup looks at; a status changes more often than that. */
function conditionsOf({ metadata, status }: KubeObject): string {
  const { conditions } = (status ?? {}) as Partial<TodoChatbotStatus>
  const of = (type: 'DatabaseReady' | 'KafkaReady'): string => findCondition(conditions, type)?.status ?? ''
  return [metadata.generation, of('DatabaseReady'), of('KafkaReady')].join(' ')
}
