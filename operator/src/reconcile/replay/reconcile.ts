/**
 * Reconciles one Replay: decides (decide.ts), does the one thing that was decided, writes down what came of it. Everything it needs to go on is in
 * the Replay's status or in objects of fixed names, so that the operator may be killed after any write; what was delivered is in the worker's
 * database. Proof: operator/test/replay.integration.test.ts.
 */
import type { ReplayProgress } from '../../../../workers/jobs/replay/config.ts'
import { label } from '../../api/v1alpha1/labels.ts'
import { names, workerNames } from '../../api/v1alpha1/names.ts'
import { parseTodoChatbot } from '../../api/v1alpha1/parse.ts'
import { describeProblems } from '../../api/v1alpha1/problems.ts'
import { isOver, parseReplay, type Replay, type ReplayStatus } from '../../api/v1alpha1/replay.ts'
import type { TodoChatbot } from '../../api/v1alpha1/todochatbot.ts'
import type { Applier } from '../../apply/kube.ts'
import type { Owner } from '../../apply/ownership.ts'
import { fieldOfWorker, replayObjects } from '../../desired/replay.ts'
import type { OperandImages } from '../../desired/types.ts'
import type { KubeClient } from '../../kube/client.ts'
import { kinds } from '../../kube/kinds.ts'
import { controllerOf, keyOf, type KubeObject } from '../../kube/object.ts'
import type { Outcome, Reconcile } from '../../runtime/controller.ts'
import type { EventInput } from '../../runtime/events.ts'
import { finding, lineOf, type Finding } from '../errors.ts'
import { adopt } from '../one-shot/adopt.ts'
import { bringAbout } from '../one-shot/bring-about.ts'
import { jobInput } from '../one-shot/job-input.ts'
import type { AskProgress } from '../one-shot/progress.ts'
import type { EventReason } from '../todochatbot/events.ts'
import type { Informers } from '../todochatbot/informers.ts'
import type { StatusWriter } from '../todochatbot/status-writer.ts'
import { jobView, podView, type PodView } from '../todochatbot/views.ts'
import { begun, concluded, ended, running, unfinished } from './conclude.ts'
import { replaysOf } from './controller.ts'
import { decide, isAlive, type Obstacle, type ReplaySeen, type Rival } from './decide.ts'
import { obstacleOf } from './obstacles.ts'

/** Everything a reconcile of a Replay works with. */
export interface ReplayDependencies {
  readonly informers: Informers
  readonly client: KubeClient
  readonly applier: Applier
  readonly statuses: StatusWriter<ReplayStatus>
  readonly fieldManager: string
  readonly operatorVersion: string
  readonly images: OperandImages
  /** ms since the epoch */
  readonly now: () => number
  readonly askProgress: AskProgress<ReplayProgress>
  readonly record: (resource: KubeObject, event: EventInput<EventReason>) => void
}

/** Pause before what failed, or waits, is looked at again, ms. */
const retryPause = 2_000
/** How often a running Job is asked, ms. */
const progressPeriod = 2_000

/** Makes the reconcile function of the replay controller, which must have one thread (decide.ts). */
export function replayReconciler(deps: ReplayDependencies): Reconcile {
  return async (request, { signal }) => {
    const object = deps.informers.Replay.get(request)
    if (object === undefined) {
      deps.statuses.forget(keyOf(request))
      return { kind: 'done' }
    }
    if (object.metadata.deletionTimestamp !== undefined)
      return { kind: 'wait', reason: 'the garbage collector removes what is owned' }
    const parsed = parseReplay(object)
    if ('problems' in parsed) return { kind: 'wait', reason: describeProblems(parsed.problems) }
    return step(deps, object, parsed.resource, signal)
  }
}

/** One decision and what follows from it. */
async function step(
  deps: ReplayDependencies,
  object: KubeObject,
  replay: Replay,
  signal: AbortSignal,
): Promise<Outcome> {
  if (isOver(replay.status)) return { kind: 'done' }
  const bot = systemOf(deps, replay)
  const seen = look(deps, replay, bot)
  const { now } = seen
  const write = async (status: ReplayStatus): Promise<void> => {
    await deps.statuses.write(deps.informers.Replay.get(replay.metadata) ?? object, status, signal)
    if (isOver(status)) deps.record(object, eventOf(status))
  }
  const again = (afterMs: number): Outcome => ({
    kind: 'again',
    afterMs: Math.max(100, Math.min(afterMs, Date.parse(replay.status?.deadline ?? '') - now || afterMs)),
  })
  const decision = decide(seen)
  switch (decision.do) {
    case 'begin':
      await write(begun(replay, now))
      return { kind: 'again', afterMs: 0 }
    case 'conclude':
      if (seen.job !== undefined) await write(concluded(replay, seen.job, seen.pods, now))
      return { kind: 'done' }
    case 'hold':
      if (!decision.settled) {
        // Told first: from here on the counts are what they were last known to be.
        await write(
          unfinished(
            replay,
            'Running',
            `${decision.line}: its pod is being stopped`,
            now,
            await deps.askProgress(seen.pods, signal),
          ),
        )
        await removeJob(deps, object, signal)
        return again(retryPause)
      }
      if (decision.then === 'Aborted' || decision.then === 'Failed') {
        await write(ended(replay, decision.then, decision.line, now))
        return { kind: 'done' }
      }
      await write(unfinished(replay, decision.then, decision.line, now))
      return again(decision.then === 'Paused' ? Infinity : retryPause)
    case 'wait':
      await write(unfinished(replay, 'Pending', decision.line, now))
      return again(retryPause)
    case 'start': {
      const problem = bot === undefined ? undefined : await start(deps, object, replay, bot, signal)
      const line = problem === undefined ? 'Waiting for the pod of the Job' : lineOf(problem)
      await write(unfinished(replay, 'Pending', line, now))
      return again(retryPause)
    }
    case 'watch':
      await write(running(replay, seen.pods, await deps.askProgress(seen.pods, signal), now))
      return again(progressPeriod)
  }
}

const systemOf = (
  { informers }: ReplayDependencies,
  { metadata: { namespace }, spec }: Replay,
): TodoChatbot | undefined => {
  const system = informers.TodoChatbot.get({ namespace, name: spec.system })
  const parsed = system === undefined ? undefined : parseTodoChatbot(system)
  return parsed?.ok === true ? parsed.bot : undefined
}

function look(deps: ReplayDependencies, replay: Replay, bot: TodoChatbot | undefined): ReplaySeen {
  const { informers } = deps
  const { namespace, name } = replay.metadata
  const now = deps.now()
  const job = informers.Job.get({ namespace, name: names.replay(name) })
  const leaving = job?.metadata.deletionTimestamp !== undefined
  return {
    replay,
    job: job === undefined || leaving ? undefined : jobView(job),
    jobLeaving: leaving,
    pods: podsOf(informers, namespace, name),
    obstacle: obstacle(deps, replay, bot, now),
    others: rivals(informers, replay),
    now,
  }
}

function obstacle(
  { informers }: ReplayDependencies,
  { metadata: { namespace }, spec }: Replay,
  bot: TodoChatbot | undefined,
  now: number,
): Obstacle | undefined {
  if (bot === undefined) {
    const there = informers.TodoChatbot.get({ namespace, name: spec.system }) !== undefined
    const why = there ? 'does not fit the schema of this operator' : 'does not exist'
    return { line: lineOf(finding('Waiting', `TodoChatbot/${spec.system}`, why)), interrupts: false }
  }
  const deployment = names.worker(spec.system, workerNames[fieldOfWorker(spec.worker)])
  return obstacleOf({
    bot,
    worker: spec.worker,
    deployment: informers.Deployment.get({ namespace, name: deployment }),
    restores: informers.Restore.inNamespace(namespace),
    backups: informers.Backup.inNamespace(namespace),
    now,
  })
}

function podsOf({ Pod }: Informers, namespace: string, name: string): readonly PodView[] {
  return Pod.inNamespace(namespace)
    .filter(({ metadata }) => metadata.labels?.[label.replay] === name)
    .map(podView)
}

function rivals(informers: Informers, { metadata, spec }: Replay): readonly Rival[] {
  const { namespace } = metadata
  return replaysOf(informers, { name: spec.system, namespace }).flatMap((object) => {
    const parsed = parseReplay(object)
    if ('problems' in parsed || object.metadata.name === metadata.name) return []
    const { name } = object.metadata
    const other = parsed.resource
    if (other.spec.worker !== spec.worker) return []
    const job = informers.Job.get({ namespace, name: names.replay(name) })
    const over = isOver(other.status)
    return [
      {
        name,
        createdAt: object.metadata.creationTimestamp ?? '',
        active: (!over && job !== undefined) || podsOf(informers, namespace, name).some(isAlive),
        willing: !over && !other.spec.paused && !other.spec.aborted && object.metadata.deletionTimestamp === undefined,
      },
    ]
  })
}

/** Brings the Job about. Returns what is in the way. */
async function start(
  deps: ReplayDependencies,
  object: KubeObject,
  replay: Replay,
  bot: TodoChatbot,
  signal: AbortSignal,
): Promise<Finding | undefined> {
  if (controllerOf(object) === undefined) await adopt(deps, deps.informers.Replay, object, bot, signal)
  const timeLeft = Date.parse(replay.status?.deadline ?? '') - deps.now()
  return bringAbout(deps.applier, object, replayObjects({ ...jobInput(bot, deps), replay, timeLeft }), signal)
}

/** Ends the Job and its pods. */
async function removeJob({ applier }: ReplayDependencies, object: KubeObject, signal: AbortSignal): Promise<void> {
  const owner: Owner = { ...object, metadata: { ...object.metadata, uid: object.metadata.uid ?? '' } }
  await applier.pruneObjects({ owner, kinds: [kinds.Job], keep: () => false, signal })
}

function eventOf({ phase, summary = '' }: ReplayStatus): EventInput<EventReason> {
  return phase === 'Succeeded'
    ? { type: 'Normal', reason: 'ReplayFinished', action: 'Replay', note: summary }
    : { type: 'Warning', reason: 'ReplayIncomplete', action: 'Replay', note: `${phase ?? ''}: ${summary}` }
}
