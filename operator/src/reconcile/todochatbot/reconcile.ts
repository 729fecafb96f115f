/** Reconciles one TodoChatbot: observe, desire, apply, conclude. Level-based: it looks at the state of the world, never at what changed. */
import { nextEnd } from '../../api/v1alpha1/temporary.ts'
import { parseDuration } from '../../api/v1alpha1/durations.ts'
import { annotation } from '../../api/v1alpha1/labels.ts'
import { pauseEndsAt } from '../../api/v1alpha1/paused.ts'
import { parseTodoChatbot } from '../../api/v1alpha1/parse.ts'
import { describeProblems } from '../../api/v1alpha1/problems.ts'
import type { TodoChatbotStatus } from '../../api/v1alpha1/schema/status.ts'
import { keyOf, type KubeObject } from '../../kube/object.ts'
import type { Outcome, Reconcile } from '../../runtime/controller.ts'
import { evidenceClaim } from '../../desired/evidence.ts'
import { alignBackupClaim, keepBackups, type KeepTools, type KeptBackups } from '../backup/system.ts'
import { alignClaim } from '../incident/claim.ts'
import type { CheckReport, CheckWatch } from '../checks/check-watch.ts'
import { enforceIsolations } from '../isolation/enforce.ts'
import { nextLook } from '../isolation/isolations.ts'
import { enforceFence } from '../restore/enforce.ts'
import { worst, type Finding } from '../errors.ts'
import { carryOut, type ApplyTools, type Carried } from './apply.ts'
import { assess, hasBeenReady, prerequisites, type Assessment, type Observed } from './assess.ts'
import { alignFinalizer, cleanUp, type CleanupTools } from './cleanup.ts'
import { chatApiIsNew, generateSecrets, desiredOf, ownerOf, rolloutsOf, versionOf, type Desired } from './desire.ts'
import { configurationEvents } from './configuration-events.ts'
import { eventsBetween } from './events.ts'
import { gatesFor, type Gates } from './gates.ts'
import { daprKinds, kedaKinds } from './informers.ts'
import { lookAt, lookAtKafka, lookAtTopics, observe, secretMaxAge, type Seen, type Sources } from './observe.ts'
import { configMapsInUse, rolloutsFor, type Rollouts, type RolloutTools } from './rollouts.ts'
import { serves } from './readiness.ts'
import { actOn, remediate, takeEvidence } from './remediation/index.ts'
import type { CountRemediations } from './remediation/metrics.ts'
import { prepareReplicas } from './replicas.ts'
import { expectedComponents } from './sidecars.ts'
import { invalidStatus, statusOf } from './status.ts'
import type { StatusWriter } from './status-writer.ts'

/** Everything a reconcile works with. */
export interface Dependencies extends Sources, CleanupTools, ApplyTools, RolloutTools, KeepTools {
  readonly statuses: StatusWriter
  readonly checks: CheckWatch
  /** How often a system is looked at although nothing changed, in ms. Costs no request. */
  readonly resyncPeriod: number
  /** Called when a resource is gone, with its `namespace/name`. */
  readonly forget: (key: string) => void
  readonly countRemediations: CountRemediations
}

/** Makes the reconcile function of the TodoChatbot controller. */
export function todoChatbotReconciler(deps: Dependencies): Reconcile {
  return async (request, { signal }) => {
    const resource = deps.informers.TodoChatbot.get(request)
    if (resource === undefined) {
      deps.forget(keyOf(request))
      return { kind: 'done' }
    }
    const parsed = parseTodoChatbot(resource)
    if (!parsed.ok) return concludeInvalid(deps, resource, describeProblems(parsed.problems), signal)

    const seen = await observe(deps, parsed.bot, resource, signal)
    if (resource.metadata.deletionTimestamp !== undefined) return cleanUp(deps, seen, signal)
    if (await alignFinalizer(deps, seen, signal)) return { kind: 'again', afterMs: 0 }

    await alignClaim(deps, evidenceClaim({ bot: seen.resolved }), signal)
    await alignBackupClaim(deps, seen, signal)

    const frozen = seen.paused || seen.problems.length > 0
    const desired = frozen ? desiredOf(seen) : await generateSecrets(deps, deps.applier, seen, signal)
    const isolation = [
      ...(await enforceIsolations(deps, seen, desired.objects, signal)),
      ...(await enforceFence(deps, seen, signal)),
    ]
    const observed = look(deps, seen, desired)
    const assessment = assess(observed)
    const gates = judge(deps, { observed, assessment }, desired)
    const rollouts = await rolloutsFor(deps, { observed, assessment }, desired.objects, signal)
    const changes = configurationEvents(deps, seen, rollouts)
    const missingKinds = [...observed.missingKinds, ...kedaKinds.filter((kind) => !deps.informers[kind].synced)]
    const tellOfReplicas = await prepareReplicas(deps, seen, { gates, skip: rollouts.skip }, signal)
    const carried = await carryOut(
      deps,
      {
        owner: ownerOf(seen),
        desired: rollouts.objects,
        gates,
        rollouts,
        inUse: configMapsInUse(observed),
        missingKinds,
      },
      signal,
    )
    for (const { when, event } of changes) if (carried.configured.has(when)) deps.record(resource, event)
    tellOfReplicas()
    const backups = await keepBackups(deps, seen, signal)
    return conclude(deps, seen, { desired, gates, rollouts, carried, isolation, backups }, signal)
  }
}

/** Zero would be taken for "not at all", ms. */
const atOnce = 1
/** Pause before an action of the remediation that could not be carried out is tried again, in ms. */
const actRetry = 2_000

/** What was done, for {@link conclude}. */
interface Done {
  readonly desired: Desired
  readonly gates: Gates
  readonly rollouts: Rollouts
  readonly carried: Carried
  /** What an isolation or a fence could not write. */
  readonly isolation: readonly Finding[]
  readonly backups: KeptBackups
}

function judge(
  deps: Dependencies,
  { observed, assessment }: { readonly observed: Observed; readonly assessment: Assessment },
  desired: Desired,
): Gates {
  const failed = worst(desired.failures)
  const isNew = chatApiIsNew(desired, rolloutsOf(deps, observed.seen))
  const given = prerequisites(assessment, observed.seen, isNew)
  return gatesFor(failed === undefined ? given : { ...given, frozen: { because: failed, settings: false } })
}

/** Looks at everything that changes while applying. */
function look(deps: Dependencies, seen: Seen, desired: Desired): Observed {
  const live = lookAt(deps, seen, desired.jobName)
  const broker = live.dependencies.kafka
  const brokerIsUp = broker === undefined || serves(broker)
  return {
    seen,
    live,
    topics: lookAtTopics(deps.topics, seen, brokerIsUp),
    kafka: lookAtKafka(deps.kafka, seen, brokerIsUp),
    components: expectedComponents(desired.objects.map(({ object }) => object)),
    missingKinds: missingKindsOf(deps),
    jobName: desired.jobName,
  }
}

/** Says how it stands, and when to look again. */
async function conclude(
  deps: Dependencies,
  seen: Seen,
  { desired, gates, rollouts, carried, isolation, backups }: Done,
  signal: AbortSignal,
): Promise<Outcome> {
  const acted = await actOn(deps, seen, signal)
  const evidence = await takeEvidence(deps, seen, signal)
  const observed = look(deps, seen, desired)
  const assessment = assess(observed)
  const remediation = remediate({ observed, assessment, acted, evidence })
  const status = statusOf({
    observed,
    assessment,
    remediation,
    gates,
    applied: { ...carried, failures: [...isolation, ...desired.failures, ...carried.failures] },
    running: rolloutsOf(deps, seen),
    rollouts,
    version: versionOf(desired, deps.operatorVersion),
    checks: runChecks(deps, observed, desired),
    backups,
  })
  return again(deps, [
    await writeStatus(deps, seen.resource, seen.bot.status, status, signal),
    carried.retryAfterMs,
    backups.afterMs,
    acted?.done === false ? actRetry : undefined,
    remaining(remediation.wakeAt, seen.now),
    desired.failures.length > 0 || isolation.length > 0 ? 1_000 : undefined,
    remaining(nextLook(seen.isolation), seen.now),
    remaining(nextEnd(seen.bot, seen.now), seen.now),
    remaining(seen.paused ? pauseEndsAt(seen.bot) : undefined, seen.now),
    status.operation?.deadline === undefined ? undefined : Date.parse(status.operation.deadline) - seen.now,
    // What is not ready is looked at now and then: patience ends, and a Secret that was corrected heals it.
    status.operation === undefined ? undefined : secretMaxAge,
  ])
}

/** Declares the system to the routine checks; they begin when it was ready once, or when somebody asks. */
function runChecks(deps: Dependencies, observed: Observed, { objects }: Desired): CheckReport | undefined {
  const { bot, key } = observed.seen
  const request = bot.metadata.annotations?.[annotation.check]
  if (!hasBeenReady(observed.seen) && request === undefined) return undefined
  return deps.checks.ensure(key, {
    interval: parseDuration(bot.spec.maintenance.checks.interval),
    request,
    answered: bot.status?.lastCheck?.request,
    subject: () => ({ key, observed, desired: objects }),
  })
}

async function concludeInvalid(
  deps: Dependencies,
  resource: KubeObject,
  problems: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const previous = resource['status'] as TodoChatbotStatus | undefined
  const { generation = 0, name } = resource.metadata
  const status = invalidStatus({ generation, previous, problems, now: deps.now(), name })
  return again(deps, [await writeStatus(deps, resource, previous, status, signal)])
}

/**
 * Writes the status if it differs, and the events that follow from the difference. Returns when to look again because of it, in ms: later when
 * it was too early, at once when a procedure moved on with it, because every step is stored before the next one is taken.
 */
async function writeStatus(
  deps: Dependencies,
  resource: KubeObject,
  before: TodoChatbotStatus | undefined,
  after: TodoChatbotStatus,
  signal: AbortSignal,
): Promise<number | undefined> {
  const written = await deps.statuses.write(resource, after, signal)
  if (written === 'unchanged') return undefined
  if (typeof written === 'object') return written.tooEarlyBy
  for (const event of eventsBetween(before, after)) deps.record(resource, event)
  deps.countRemediations({ namespace: '', ...resource.metadata }, before, after)
  return written === 'stepped' ? atOnce : undefined
}

const remaining = (end: number | undefined, now: number): number | undefined =>
  end === undefined ? undefined : end - now

/** The earliest reason to look again; the resync, ±10 % so that systems do not come due together, if there is no other. */
function again(deps: Dependencies, delays: readonly (number | undefined)[]): Outcome {
  const due = delays.filter((delay) => delay !== undefined && delay > 0) as number[]
  return { kind: 'again', afterMs: Math.min(...due, deps.resyncPeriod * (0.9 + Math.random() * 0.2)) }
}

const missingKindsOf = ({ informers }: Pick<Sources, 'informers'>): readonly string[] =>
  daprKinds.filter((kind) => !informers[kind].synced)
