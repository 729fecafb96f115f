/**
 * Which action comes next. `spec.remediation.ladder` says what may be done and in which order; this table says what can help against which
 * signal. Within an episode (status.remediation of one worker without an hour of health between) the steps only go up. Pure.
 * Proof: ladder.test.ts, and the properties in step.property.test.ts.
 */
import type { RemediationAction } from '../../../api/v1alpha1/schema/procedures.ts'
import type { RemediationStatus } from '../../../api/v1alpha1/schema/status.ts'
import type { SignalKind } from './signals.ts'

/**
 * What can heal a signal. A missing image and a crash loop may come from the last change, so a rollback helps; memory is raised only after OOM
 * kills. A consumer may also stand still because it is told to try an event again, and neither an older version nor fresh pods change the event: one restart has to do.
 * Nothing helps against dead letters but looking at them: the worker refused these events for a reason.
 */
export const remedies: Readonly<Record<SignalKind, readonly RemediationAction[]>> = {
  ImagePullFailed: ['RollBack'],
  OOMKilled: ['RaiseMemory', 'RollBack'],
  CrashLoop: ['Recreate', 'Restart', 'RollBack'],
  NodeNotReady: ['Recreate'],
  SidecarMissing: ['Recreate', 'Restart'],
  Evicted: ['Recreate'],
  NotReady: ['Recreate', 'Restart', 'RollBack'],
  ComponentNotLoaded: ['Recreate', 'Restart', 'RollBack'],
  ConsumerStuck: ['Restart'],
  PoolExhausted: ['Restart', 'RollBack'],
  DeadLettersGrowing: [],
}

/** What the choice depends on. */
export interface Choice {
  readonly signal: SignalKind
  /** The signal is seen on every pod of the worker. */
  readonly onEveryPod: boolean
  /** `spec.remediation.ladder`. */
  readonly ladder: readonly RemediationAction[]
  /** The newest action of this episode. */
  readonly last: Pick<RemediationStatus, 'action'> | undefined
  /** The action can be carried out now: there is a template to return to, memory left to give, and so on. */
  readonly possible: (action: RemediationAction) => boolean
}

/** The next action; undefined when the ladder has no further step. */
export function nextAction({ signal, onEveryPod, ladder, last, possible }: Choice): RemediationAction | undefined {
  const before = last === undefined ? -1 : ladder.indexOf(last.action as RemediationAction)
  const same = (action: RemediationAction): boolean =>
    (last?.action === 'Restart' && action === 'Recreate') ||
    (last?.action === 'Recreate' && action === 'Restart' && onEveryPod)
  return ladder.find(
    (action, index) =>
      // Memory is given in portions, so this step repeats until none is left; another one only brings fresh pods once more.
      (index > before || (index === before && action === 'RaiseMemory')) &&
      remedies[signal].includes(action) &&
      !same(action) &&
      possible(action),
  )
}
