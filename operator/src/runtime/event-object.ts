import type { KubeObject } from '../kube/object.ts'
import { microTime } from './micro-time.ts'

/** One event to tell an admin. `Reason` is the caller's closed union of CamelCase words. */
export interface EventInput<Reason extends string> {
  readonly type: 'Normal' | 'Warning'
  readonly reason: Reason
  /** What was done or tried, a CamelCase verb (events.k8s.io/v1 requires it), e.g. `Reconcile`. */
  readonly action: string
  /** Cut to the 1024 bytes the API server allows. */
  readonly note: string
  /** A second object the event is about, such as the Deployment that blocks. */
  readonly related?: KubeObject
}

/** Who reports. */
export interface EventSource {
  /** `reportingController`, a qualified name such as `todochatbot.dev/operator`. */
  readonly controller: string
  /** `reportingInstance`: the pod's name. */
  readonly instance: string
}

const MAX_NOTE_BYTES = 1024

/** The Event object; `at` is Unix time in ms, `unique` ends its name. */
export const eventOf = <Reason extends string>(
  source: EventSource,
  regarding: KubeObject,
  event: EventInput<Reason>,
  { at, unique }: { readonly at: number; readonly unique: string },
): KubeObject => ({
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  metadata: {
    name: `${regarding.metadata.name.slice(0, 200)}.${unique}`,
    namespace: regarding.metadata.namespace ?? 'default',
  },
  eventTime: microTime(at),
  type: event.type,
  reason: event.reason,
  action: event.action,
  note: cut(event.note),
  regarding: referenceTo(regarding),
  ...(event.related !== undefined && { related: referenceTo(event.related) }),
  reportingController: source.controller,
  reportingInstance: source.instance,
})

/** Merge patch that turns an Event into a series; the API server wants at least two occurrences. */
export const seriesOf = (count: number, lastAt: number): object => ({
  series: { count: Math.max(2, count), lastObservedTime: microTime(lastAt) },
})

const referenceTo = ({ apiVersion, kind, metadata }: KubeObject): object => ({
  apiVersion,
  kind,
  name: metadata.name,
  namespace: metadata.namespace,
  uid: metadata.uid,
  resourceVersion: metadata.resourceVersion,
})

const cut = (note: string): string => {
  const bytes = Buffer.from(note)
  if (bytes.length <= MAX_NOTE_BYTES) return note
  // A character that the cut went through decodes to U+FFFD and is dropped.
  return `${bytes
    .subarray(0, MAX_NOTE_BYTES - 3)
    .toString('utf8')
    .replace(/\uFFFD$/, '')}…`
}
