import type { RestoreProgress } from '../../../../workers/jobs/restore/config.ts'
import type { RestoreStatus } from '../../api/v1alpha1/restore.ts'
import type { Applier } from '../../apply/kube.ts'
import type { OperandImages } from '../../desired/types.ts'
import type { KubeClient } from '../../kube/client.ts'
import type { KubeObject } from '../../kube/object.ts'
import type { EventInput } from '../../runtime/events.ts'
import type { EventReason } from '../todochatbot/events.ts'
import type { AskProgress } from '../one-shot/progress.ts'
import type { Informers } from '../todochatbot/informers.ts'
import type { StatusWriter } from '../todochatbot/status-writer.ts'

/** Everything a reconcile of a Restore works with. */
export interface RestoreDependencies {
  readonly informers: Informers
  readonly client: KubeClient
  readonly applier: Applier
  readonly statuses: StatusWriter<RestoreStatus>
  readonly fieldManager: string
  readonly askProgress: AskProgress<RestoreProgress>
  readonly operatorVersion: string
  readonly images: OperandImages
  /** ms since the epoch */
  readonly now: () => number
  readonly record: (resource: KubeObject, event: EventInput<EventReason>) => void
}
