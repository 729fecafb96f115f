/**
 * The steps of a Restore as a ledger in its status: which there are, which is next, when each is given up, and what follows a failure. Pure, so
 * the same status always leads to the same next step, whoever reads it after a crash.
 *
 *     InPlace    Check → Database → SafetyBackup → Fence → Topics → Switch → Unfence → Validate
 *     NewSystem  Check → Database                → Fence → Topics → Switch → Unfence → Validate
 *     Drill      Check → Database                        → Topics                    → Validate → CleanUp
 *
 * With spec.until, Reapply comes before Topics.
 *
 * Everything up to Switch leaves the state in use as it is: the database is restored beside, records are only appended. Switch is a rename in one
 * transaction and offsets that are noted before they are moved. So whatever fails, or an abort or a deadline, is answered by
 *
 *     … ✗ → Undo (once Database had begun) → Unfence (once Fence had begun) → Failed
 *
 * A step is written as Running before anything of it is done, so a step that was begun is known to have been. What comes after Switch is never
 * undone: workers that do not come back or services that do not agree make the Restore PartiallySucceeded. Proof: ledger.test.ts.
 */
import type { RestoreSpec, RestoreStep, StepStatus } from '../../api/v1alpha1/restore.ts'

const minute = 60_000

/** How long each step may take, ms; work also ends with spec.deadline. */
export const stepDeadlines: Readonly<Record<RestoreStep, number>> = {
  Check: 24 * 60 * minute,
  Database: 7 * 24 * 60 * minute,
  SafetyBackup: 24 * 60 * minute,
  Fence: 5 * minute,
  Reapply: 24 * 60 * minute,
  Topics: 24 * 60 * minute,
  Switch: 15 * minute,
  Undo: 15 * minute,
  Unfence: 15 * minute,
  Validate: 10 * minute,
  CleanUp: 15 * minute,
}

/** Steps that end with spec.deadline: those after them put things right and have deadlines of their own. */
const work: ReadonlySet<RestoreStep> = new Set([
  'Check',
  'Database',
  'SafetyBackup',
  'Fence',
  'Reapply',
  'Topics',
  'Switch',
])

/** The steps of a Restore, in order, none begun. */
export const newLedger = ({
  mode,
  safetyBackup,
  until,
}: Pick<RestoreSpec, 'mode' | 'safetyBackup' | 'until'>): readonly StepStatus[] => {
  const reapply: readonly RestoreStep[] = until === undefined ? [] : ['Reapply']
  const names: readonly RestoreStep[] =
    mode === 'Drill'
      ? ['Check', 'Database', ...reapply, 'Topics', 'Validate', 'CleanUp']
      : ['Check', 'Database', 'SafetyBackup', 'Fence', ...reapply, 'Topics', 'Switch', 'Unfence', 'Validate']
  const skipped = (name: RestoreStep): string | undefined => {
    if (name !== 'SafetyBackup') return undefined
    if (mode === 'NewSystem') return 'the system holds nothing yet'
    return safetyBackup === undefined ? undefined : `not wanted: ${safetyBackup.reason}`
  }
  return names.map((name) => {
    const message = skipped(name)
    return message === undefined ? { name, state: 'Pending' } : { name, state: 'Skipped', message }
  })
}

/** What is seen of the running step. */
export type StepOutcome =
  | { readonly kind: 'Running'; readonly message: string }
  | { readonly kind: 'Succeeded'; readonly message: string }
  | { readonly kind: 'Failed'; readonly message: string }

/** The step that is to be worked on; undefined: all have ended. */
export const currentStep = (ledger: readonly StepStatus[]): StepStatus | undefined =>
  ledger.find(({ state }) => state === 'Pending' || state === 'Running')

/** A step was begun at some time, however it ended. */
export const hasBegun = (ledger: readonly StepStatus[], step: RestoreStep): boolean =>
  ledger.some(({ name, startedAt }) => name === step && startedAt !== undefined)

/** Whether the workers have to be away: from the first write of Fence to the first of Unfence. */
export const isFenced = (ledger: readonly StepStatus[] | undefined): boolean =>
  ledger !== undefined && hasBegun(ledger, 'Fence') && !hasBegun(ledger, 'Unfence')

/** The data in use is the restored one. */
export const isSwitched = (ledger: readonly StepStatus[]): boolean =>
  ledger.some(({ name, state }) => name === 'Switch' && state === 'Succeeded')

/** When a step that begins now is given up, ms since the epoch. @param end spec.deadline, ms since the epoch */
export const deadlineOf = (step: RestoreStep, now: number, end: number): number => {
  const own = now + stepDeadlines[step]
  return work.has(step) ? Math.min(own, Math.max(end, now)) : own
}

/** Marks the current step as begun. @param time RFC 3339 of a time in ms */
export const begin = (
  ledger: readonly StepStatus[],
  { now, end, time }: { readonly now: number; readonly end: number; readonly time: (ms: number) => string },
): readonly StepStatus[] => {
  const current = currentStep(ledger)
  if (current?.state !== 'Pending') return ledger
  return ledger.map((step) =>
    step === current
      ? { ...step, state: 'Running', startedAt: time(now), deadline: time(deadlineOf(step.name, now, end)) }
      : step,
  )
}

/** The ledger after what was seen of the running step, after its deadline, or after an abort. */
export const advance = (
  ledger: readonly StepStatus[],
  outcome: StepOutcome,
  { now, time, abort }: { readonly now: number; readonly time: (ms: number) => string; readonly abort: boolean },
): readonly StepStatus[] => {
  const current = currentStep(ledger)
  if (current === undefined) return ledger
  if (outcome.kind === 'Succeeded') return end(ledger, current, 'Succeeded', outcome.message, time(now))
  const late = current.deadline !== undefined && now >= Date.parse(current.deadline)
  const aborted = abort && work.has(current.name)
  if (outcome.kind === 'Running' && !late && !aborted)
    return ledger.map((step) => (step === current ? { ...step, message: outcome.message } : step))
  const why = aborted
    ? 'aborted by the annotation todochatbot.dev/abort'
    : outcome.kind === 'Failed'
      ? outcome.message
      : `not done by ${current.deadline ?? ''}: ${outcome.message}`
  return recover(end(ledger, current, 'Failed', why, time(now)), current.name)
}

const end = (
  ledger: readonly StepStatus[],
  current: StepStatus,
  state: 'Succeeded' | 'Failed',
  message: string,
  finishedAt: string,
): readonly StepStatus[] =>
  ledger.map((step) => (step === current ? { ...step, state, message: message.slice(0, 2048), finishedAt } : step))

/** What is left to do after a step has failed: back to the state before, or on when the restored one is in use. */
const recover = (ledger: readonly StepStatus[], failed: RestoreStep): readonly StepStatus[] => {
  const ended = ledger.filter(({ state }) => state !== 'Pending')
  const skipped = (names: readonly RestoreStep[]): StepStatus[] =>
    ledger
      .filter(({ name, state }) => state === 'Pending' && !names.includes(name))
      .map((step) => ({ ...step, state: 'Skipped' }))
  if (isSwitched(ledger) || failed === 'Undo' || failed === 'Unfence') {
    const goesOn = (name: RestoreStep): boolean => isSwitched(ledger) || name === 'Unfence'
    const rest = ledger.filter(({ name, state }) => state === 'Pending' && goesOn(name))
    return [...ended, ...skipped(rest.map(({ name }) => name)), ...rest]
  }
  if (ledger.some(({ name }) => name === 'CleanUp'))
    return failed === 'CleanUp'
      ? ledger
      : [...ended, ...skipped(['CleanUp']), ...ledger.filter(({ name }) => name === 'CleanUp')]
  const back: StepStatus[] = []
  if (hasBegun(ledger, 'Database')) back.push({ name: 'Undo', state: 'Pending' })
  if (hasBegun(ledger, 'Fence')) back.push({ name: 'Unfence', state: 'Pending' })
  return [...ended, ...skipped(back.map(({ name }) => name)), ...back]
}

/** How it all ended; undefined: it has not. @param violations what validation found */
export const conclusionOf = (
  ledger: readonly StepStatus[],
  violations: number,
):
  | { readonly phase: 'Succeeded' | 'PartiallySucceeded' | 'Failed'; readonly failed: StepStatus | undefined }
  | undefined => {
  if (currentStep(ledger) !== undefined) return undefined
  const failed = ledger.find(({ state }) => state === 'Failed')
  if (failed === undefined) return { phase: violations > 0 ? 'PartiallySucceeded' : 'Succeeded', failed }
  return { phase: isSwitched(ledger) ? 'PartiallySucceeded' : 'Failed', failed }
}
