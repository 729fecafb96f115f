import { manager } from '../../api/v1alpha1/labels.ts'
import type { KubeClient } from '../../kube/client.ts'
import type { Informer } from '../../runtime/informer.ts'
import { statusWriter, type AnyStatus, type StatusWriter } from '../todochatbot/status-writer.ts'

/** Writes every status of a one-shot kind at once: it is what a successor of this operator goes on from. */
export const promptStatuses = <Status extends AnyStatus>(
  client: KubeClient,
  informer: Pick<Informer, 'observe'>,
): StatusWriter<Status> =>
  statusWriter<Status>({
    client,
    fieldManager: manager,
    observe: (written) => informer.observe(written),
    now: () => performance.now(),
    interval: 0,
    settle: 0,
    progressInterval: 0,
  })
