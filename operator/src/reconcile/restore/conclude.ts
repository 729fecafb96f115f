/** The status of a Restore, from its ledger and what the pods of its Jobs said. Pure. */
import type { RestoreProgress, RestoreReport } from '../../../../workers/jobs/restore/config.ts'
import { parseDuration } from '../../api/v1alpha1/durations.ts'
import { oneShotConditions } from '../../api/v1alpha1/one-shot.ts'
import type { Restore, RestoreStatus, StepStatus } from '../../api/v1alpha1/restore.ts'
import { timestamp } from '../todochatbot/status/operation.ts'
import { conclusionOf, currentStep, hasBegun, isSwitched, newLedger } from './ledger.ts'

/** The status of the first look: from here on the deadline counts. */
export function started(restore: Restore, now: number): RestoreStatus {
  const startedAt = timestamp(now)
  const deadline = timestamp(now + parseDuration(restore.spec.deadline))
  const begun: RestoreStatus = {
    observedGeneration: restore.metadata.generation,
    ...restore.status,
    startedAt,
    deadline,
    steps: [...newLedger(restore.spec)],
  }
  return said({ restore, now }, begun, 'Pending', 'Waiting for its turn')
}

/** Most that the status names. */
const maxViolations = 20

/** What a status is made from. */
export interface RestoreSeen {
  readonly restore: Restore
  /** ms since the epoch */
  readonly now: number
}

/** The status with this ledger; `waitingFor`: what has to happen before the next step begins. */
export function statusWith(
  seen: RestoreSeen,
  ledger: readonly StepStatus[],
  {
    report,
    waitingFor,
    safetyBackup,
    progress,
  }: {
    readonly report?: RestoreReport | undefined
    readonly waitingFor?: string | undefined
    readonly safetyBackup?: string | undefined
    readonly progress?: RestoreProgress | undefined
  } = {},
): RestoreStatus {
  const { restore } = seen
  const status: RestoreStatus = {
    observedGeneration: restore.metadata.generation,
    ...withoutProgress(restore.status),
    steps: [...ledger],
    ...learned(report),
    ...violationsWith(restore.status?.violations, report),
    ...(safetyBackup === undefined ? {} : { safetyBackup }),
    ...(progress === undefined ? {} : { progress }),
  }
  const ended = conclusionOf(ledger, status.violations?.length ?? 0)
  if (ended !== undefined) return finished(seen, status, ended)
  const current = currentStep(ledger)
  const begun = hasBegun(ledger, 'Check')
  const line = waitingFor ?? (current === undefined ? '' : `${current.name}: ${current.message ?? 'begins'}`)
  const failed = ledger.find(({ state }) => state === 'Failed')
  const because = failed === undefined ? '' : `. ${failed.name} failed: ${failed.message ?? ''}`
  return said(seen, status, begun ? 'Running' : 'Pending', line + because)
}

/** What the pod of a step found out. */
const learned = (report: RestoreReport | undefined): Partial<RestoreStatus> => {
  if (report === undefined) return {}
  const { backup, reapplied, databaseBefore } = report
  return {
    ...(backup === undefined
      ? {}
      : {
          path: backup.path,
          manifestSha256: backup.manifestSha256,
          cutAt: backup.cutAt,
          auditSequence: backup.auditSequence,
        }),
    ...(reapplied === undefined
      ? {}
      : {
          auditSequence: reapplied.auditSequence,
          reapplied: { entries: reapplied.entries, until: reapplied.until },
        }),
    ...(databaseBefore === undefined ? {} : { databaseBefore }),
  }
}

/** Progress is of the moment it was asked for. */
const withoutProgress = (status: RestoreStatus | undefined): RestoreStatus | Record<string, never> => {
  if (status === undefined) return {}
  const rest = { ...status }
  delete rest.progress
  return rest
}

/** Each step adds what it found; a step that is looked at twice adds nothing new. */
const violationsWith = (
  known: readonly string[] = [],
  { violations = [] }: Pick<RestoreReport, 'violations'> = {},
): Pick<RestoreStatus, 'violations'> => {
  const all = [...new Set([...known, ...violations])].slice(0, maxViolations)
  return all.length === 0 ? {} : { violations: all }
}

/** The moment whose state is restored: the cut, or spec.until when that was reached. */
const restoredTo = ({ cutAt, reapplied }: RestoreStatus): string | undefined => reapplied?.until ?? cutAt

function finished(
  seen: RestoreSeen,
  status: RestoreStatus,
  { phase, failed }: NonNullable<ReturnType<typeof conclusionOf>>,
): RestoreStatus {
  const ended = { ...status, finishedAt: timestamp(seen.now), ...measured(seen, status) }
  const { spec } = seen.restore
  const rest = status.violations ?? []
  const backTo = status.safetyBackup === undefined ? '' : `; Backup/${status.safetyBackup} holds the state before`
  if (failed === undefined && rest.length === 0) {
    const done = spec.mode === 'Drill' ? 'The backup can be restored' : `Restored to ${restoredTo(status) ?? 'the cut'}`
    return said(seen, ended, phase, `${done}${spec.mode === 'Drill' ? '' : backTo}`)
  }
  if (phase === 'PartiallySucceeded') {
    const why = failed === undefined ? rest.join('; ') : `${failed.name}: ${failed.message ?? ''}`
    return said(seen, ended, phase, `Restored, but ${why}${backTo}`)
  }
  const undone = status.steps?.find(({ name, state }) => name === 'Undo' && state === 'Failed')
  const state =
    undone === undefined
      ? notInUse(status.steps ?? [], spec.mode)
      : `the state before could not be put back: ${undone.message ?? ''}`
  return said(
    seen,
    ended,
    phase,
    `${failed?.name ?? ''}: ${failed?.message ?? ''}; ${state}. Correct the cause and create another Restore`,
  )
}

const notInUse = (ledger: readonly StepStatus[], mode: Restore['spec']['mode']): string =>
  mode === 'Drill' || !hasBegun(ledger, 'Fence') ? 'nothing of the system was touched' : 'the state before is in use'

/** RTO: until the workers were back, or the drill was over. */
const measured = ({ restore, now }: RestoreSeen, status: RestoreStatus): Pick<RestoreStatus, 'measured'> => {
  const ledger = status.steps ?? []
  const at = (name: StepStatus['name'], which: 'startedAt' | 'finishedAt'): number | undefined => {
    const time = ledger.find((step) => step.name === name)?.[which]
    return time === undefined ? undefined : Date.parse(time)
  }
  const from = at('Check', 'startedAt')
  const drill = restore.spec.mode === 'Drill'
  const moment = restoredTo(status)
  if (from === undefined || moment === undefined || (!drill && !isSwitched(ledger))) return {}
  const seconds = (ms: number): number => Math.max(0, Math.round(ms / 1000))
  const back = drill ? now : (at('Unfence', 'finishedAt') ?? now)
  const away = at('Fence', 'startedAt')
  return {
    measured: {
      rto: seconds(back - from),
      rpo: seconds(from - Date.parse(moment)),
      ...(away === undefined ? {} : { outage: seconds(back - away) }),
    },
  }
}

function said(
  { restore, now }: RestoreSeen,
  status: RestoreStatus,
  phase: NonNullable<RestoreStatus['phase']>,
  message: string,
): RestoreStatus {
  const { generation } = restore.metadata
  return {
    ...status,
    observedGeneration: generation,
    phase,
    summary: message.slice(0, 1024),
    conditions: oneShotConditions(restore.status?.conditions, { phase, message, generation, now: timestamp(now) }),
  }
}
