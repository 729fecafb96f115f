/** Puts the parts of backups together: the controller of Backups, the watch on their progress, their metrics. */
import type { Logger } from 'pino'
import { manager } from './api/v1alpha1/labels.ts'
import { refOf, type KubeObject } from './kube/object.ts'
import { wakeBackups } from './reconcile/backup/controller.ts'
import { backupMetrics } from './reconcile/backup/metrics.ts'
import { askProgress } from './reconcile/backup/progress.ts'
import { backupReconciler, type BackupDependencies } from './reconcile/backup/reconcile.ts'
import { promptStatuses } from './reconcile/one-shot/statuses.ts'
import { podWatch } from './reconcile/pods/pod-watch.ts'
import { createController, type Controller } from './runtime/controller.ts'
import type { Metrics } from './runtime/metrics.ts'

/** What backups are built from. */
export interface BackupParts extends Omit<BackupDependencies, 'statuses' | 'progress' | 'fieldManager'> {
  readonly metrics: Metrics
  readonly logger: Logger
  /** Whether this process leads: only the leader's metrics count. */
  readonly leading: () => boolean
}

/** Makes them; nothing runs before `run`. */
export function backupController(parts: BackupParts): Pick<Controller, 'run'> & { readonly stop: () => Promise<void> } {
  const { informers, client, metrics, logger, leading } = parts
  const progress = podWatch({
    ask: askProgress(2_000),
    onChange: (key) => controller.enqueue(refOf(key)),
    period: 2_000,
    retry: 1_000,
    parallel: 8,
  })
  const controller = createController(
    {
      name: 'backup',
      reconcile: backupReconciler({
        ...parts,
        progress,
        statuses: promptStatuses(client, informers.Backup),
        fieldManager: manager,
      }),
      // Of two that become possible at once only one may begin; see reconcile/backup/reconcile.ts.
      concurrency: 1,
    },
    { metrics, logger },
  )
  wakeBackups(informers, controller)
  const whileLeading = (list: () => readonly KubeObject[]) => () => (leading() ? list() : [])
  backupMetrics({
    registry: metrics.registry,
    systems: whileLeading(() => informers.TodoChatbot.list()),
    backups: whileLeading(() => informers.Backup.list()),
  })
  return { run: controller.run, stop: () => progress.stop() }
}
