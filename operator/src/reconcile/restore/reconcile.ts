/**
 * Reconciles one Restore: brings the step that the ledger names about, looks at what became of it, and writes the ledger. The ledger is written
 * before a step is begun and after it has ended, every object of a step has a fixed name, and each step may be done twice; so the operator may
 * be killed after any write. Proof: operator/test/restore.integration.test.ts.
 */
import type { BackupStatus } from '../../api/v1alpha1/backup.ts'
import { annotation, label, restoreFinalizer } from '../../api/v1alpha1/labels.ts'
import { isFinished } from '../../api/v1alpha1/one-shot.ts'
import { parseTodoChatbot } from '../../api/v1alpha1/parse.ts'
import { describeProblems } from '../../api/v1alpha1/problems.ts'
import { parseRestore, type Restore, type RestoreStatus, type StepStatus } from '../../api/v1alpha1/restore.ts'
import type { TodoChatbot } from '../../api/v1alpha1/todochatbot.ts'
import { ownerReferenceOf, type Owner } from '../../apply/ownership.ts'
import { kinds } from '../../kube/kinds.ts'
import { isNotFound } from '../../kube/kube-error.ts'
import { controllerOf, keyOf, type KubeObject } from '../../kube/object.ts'
import type { Outcome, Reconcile } from '../../runtime/controller.ts'
import { timestamp } from '../todochatbot/status/operation.ts'
import { started, statusWith } from './conclude.ts'
import { letGo } from './let-go.ts'
import { advance, begin, currentStep, type StepOutcome } from './ledger.ts'
import type { RestoreDependencies } from './dependencies.ts'
import { waitsFor } from './turn.ts'
import { work } from './work.ts'

/** How often a running step is looked at although nothing changed, ms. */
const lookAgain = 5_000
/** Pause before what waits for its turn is looked at again, ms; what it waits for wakes it earlier. */
const waitAgain = 10_000

/** Makes the reconcile function of the restore controller. */
export function restoreReconciler(deps: RestoreDependencies): Reconcile {
  return async (request, { signal }) => {
    const object = deps.informers.Restore.get(request)
    if (object === undefined) {
      deps.statuses.forget(keyOf(request))
      return { kind: 'done' }
    }
    const parsed = parseRestore(object)
    if ('problems' in parsed) return { kind: 'wait', reason: describeProblems(parsed.problems) }
    const restore = parsed.resource
    if (object.metadata.deletionTimestamp !== undefined) return letGo(deps, object, restore, signal)
    const { status } = restore
    if (isFinished(status)) {
      await proveBackup(deps, restore, signal)
      return { kind: 'done' }
    }
    if (status?.startedAt === undefined) {
      await deps.statuses.write(object, started(restore, deps.now()), signal)
      return { kind: 'again', afterMs: 0 }
    }
    const bot = systemOf(deps, restore)
    if (typeof bot === 'string') return wait(deps, object, restore, bot, signal)
    if (await adopt(deps, object, bot, signal)) return { kind: 'again', afterMs: 0 }
    return step(deps, object, restore, bot, signal)
  }
}

/** The system; or why there is none to work on. */
export function systemOf(
  { informers }: Pick<RestoreDependencies, 'informers'>,
  restore: Restore,
): TodoChatbot | string {
  const { system } = restore.spec
  const found = informers.TodoChatbot.get({ namespace: restore.metadata.namespace, name: system })
  if (found === undefined) return `TodoChatbot/${system}: does not exist`
  if (found.metadata.deletionTimestamp !== undefined) return `TodoChatbot/${system}: is being deleted`
  const parsed = parseTodoChatbot(found)
  return parsed.ok ? parsed.bot : `TodoChatbot/${system}: does not fit the schema of this operator`
}

async function step(
  deps: RestoreDependencies,
  object: KubeObject,
  restore: Restore,
  bot: TodoChatbot,
  signal: AbortSignal,
): Promise<Outcome> {
  const ledger = restore.status?.steps ?? []
  const current = currentStep(ledger)
  if (current === undefined)
    return write(deps, object, restore, statusWith({ restore, now: deps.now() }, ledger), signal)
  const { namespace } = restore.metadata
  // Nothing is to be waited for once the workers are away.
  if (current.state === 'Pending' && (current.name === 'Check' || current.name === 'Fence')) {
    const waitingFor = waitsFor(restore, bot, deps.informers.Restore.inNamespace(namespace), deps.now())
    if (waitingFor !== undefined) return wait(deps, object, restore, waitingFor, signal)
  }
  const now = deps.now()
  const end = Date.parse(restore.status?.deadline ?? '')
  if (current.state === 'Pending')
    return write(
      deps,
      object,
      restore,
      statusWith({ restore, now }, begin(ledger, { now, end, time: timestamp })),
      signal,
    )
  const done = await work(deps, object, restore, { bot, step: current }, signal)
  const next = advance(ledger, done.outcome, { now: deps.now(), time: timestamp, abort: isAborted(object) })
  return write(deps, object, restore, statusWith({ restore, now: deps.now() }, next, done), signal)
}

/** Waits before a step is begun, at most until the deadline, and not when it is aborted. */
async function wait(
  deps: RestoreDependencies,
  object: KubeObject,
  restore: Restore,
  waitingFor: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const ledger = restore.status?.steps ?? []
  const now = deps.now()
  const deadline = restore.status?.deadline ?? ''
  const waiting: readonly StepStatus[] = ledger.map((one) =>
    one === currentStep(ledger) ? { ...one, deadline: one.deadline ?? deadline } : one,
  )
  const outcome: StepOutcome = { kind: 'Running', message: waitingFor }
  const next = advance(waiting, outcome, { now, time: timestamp, abort: isAborted(object) })
  const ended = next.some(({ state }, index) => state === 'Failed' && ledger[index]?.state !== 'Failed')
  const status = statusWith({ restore, now }, ended ? next : ledger, ended ? {} : { waitingFor })
  const left = Math.max(100, Date.parse(deadline) - now)
  const outcomeOfWrite = await write(deps, object, restore, status, signal)
  return ended ? outcomeOfWrite : { kind: 'again', afterMs: Math.min(left, waitAgain) }
}

/** A backup that was restored and found consistent is proved: its Backup says so. */
async function proveBackup(
  { client, fieldManager, informers }: RestoreDependencies,
  { spec, status, metadata: { namespace } }: Restore,
  signal: AbortSignal,
): Promise<void> {
  if (status?.phase !== 'Succeeded' || status.finishedAt === undefined || spec.source.backup === undefined) return
  const backup = informers.Backup.get({ namespace, name: spec.source.backup })
  const { verifiedAt = '' } = (backup?.['status'] ?? {}) as BackupStatus
  if (backup === undefined || verifiedAt >= status.finishedAt) return
  const patch = { status: { verifiedAt: status.finishedAt } }
  try {
    const options = { fieldManager, subresource: 'status', signal } as const
    informers.Backup.observe(await client.patch(kinds.Backup, backup.metadata, patch, options))
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}

const isAborted = ({ metadata }: KubeObject): boolean => metadata.annotations?.[annotation.abort] !== undefined

/** Belongs to its system from the first step on, and does not go before what it made is gone. Returns whether a write was needed. */
async function adopt(
  { client, fieldManager, informers }: RestoreDependencies,
  object: KubeObject,
  bot: TodoChatbot,
  signal: AbortSignal,
): Promise<boolean> {
  const { apiVersion, kind, metadata } = object
  const labelled = metadata.labels?.[label.instance] === bot.metadata.name
  if (controllerOf(object) !== undefined && metadata.finalizers?.includes(restoreFinalizer) === true && labelled)
    return false
  const body = {
    apiVersion,
    kind,
    metadata: {
      name: metadata.name,
      namespace: metadata.namespace ?? '',
      labels: { [label.instance]: bot.metadata.name },
      finalizers: [restoreFinalizer],
      ...(controllerOf(object) === undefined ? { ownerReferences: [ownerReferenceOf(bot as unknown as Owner)] } : {}),
    },
  }
  informers.Restore.observe((await client.apply(body, { fieldManager, signal })).object)
  return true
}

async function write(
  deps: RestoreDependencies,
  object: KubeObject,
  restore: Restore,
  status: RestoreStatus,
  signal: AbortSignal,
): Promise<Outcome> {
  const { informers, statuses } = deps
  const moved = stateOf(status.steps) !== stateOf(restore.status?.steps)
  await statuses.write(informers.Restore.get(restore.metadata) ?? object, status, signal)
  if (isFinished(status)) {
    deps.record(object, {
      type: status.phase === 'Succeeded' ? 'Normal' : 'Warning',
      reason: status.phase === 'Succeeded' ? 'Restored' : 'RestoreIncomplete',
      action: 'Restore',
      note: status.summary ?? '',
    })
    return { kind: 'again', afterMs: 0 }
  }
  if (moved) return { kind: 'again', afterMs: 0 }
  const deadline = Date.parse(currentStep(status.steps ?? [])?.deadline ?? '')
  const left = Number.isNaN(deadline) ? lookAgain : Math.max(100, deadline - deps.now())
  return { kind: 'again', afterMs: Math.min(left, lookAgain) }
}

const stateOf = (ledger: readonly StepStatus[] = []): string =>
  ledger.map(({ name, state }) => `${name} ${state}`).join()
