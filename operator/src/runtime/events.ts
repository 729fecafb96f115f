import type { Logger } from 'pino'
import type { KubeClient } from '../kube/client.ts'
import type { KubeObject } from '../kube/object.ts'

/** One event to tell an admin. `Reason` is the caller's closed union of CamelCase words. */
export interface EventInput<Reason extends string> {
  readonly type: 'Normal' | 'Warning'
  readonly reason: Reason
  /** What was done or tried, a CamelCase verb (events.k8s.io/v1 requires it), e.g. `Reconcile`. */
  readonly action: string
  /** At most 1024 bytes are kept. */
  readonly note: string
  /** A second object the event is about, such as the Deployment that blocks. */
  readonly related?: KubeObject
}

/** Writes Kubernetes Events in the background: never throws, never blocks, never floods. */
export interface EventRecorder<Reason extends string> {
  record: (regarding: KubeObject, event: EventInput<Reason>) => void
}

/** Makes a recorder; `run` flushes until the signal aborts. Implementation follows. */
export declare const createEventRecorder: <Reason extends string>(dependencies: {
  readonly client: KubeClient
  /** `reportingController`, e.g. `todochatbot.dev/operator`. */
  readonly controller: string
  /** `reportingInstance`: the pod's name. */
  readonly instance: string
  readonly logger: Logger
}) => EventRecorder<Reason> & { readonly run: (signal: AbortSignal) => Promise<void> }
