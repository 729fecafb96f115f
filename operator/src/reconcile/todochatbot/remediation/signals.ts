/**
 * What is wrong with one worker, as signals with the time since when. Judged from times that the API server, the kubelet and Kafka's figures
 * carry, so an operator that was restarted judges alike. Most specific first. Pure.
 *
 * A signal is *acute* while the worker is broken. One that is not acute means "was broken a moment ago": a container in a crash loop runs for
 * a few seconds now and then, which ends neither the loop nor the count of how long it lasts, but nothing is done to a pod that runs.
 * Proof: signals.test.ts.
 */
import { gracePeriodSeconds } from '../../../desired/deployments.ts'
import { podBlocker } from '../blockers.ts'
import type { WorkloadState } from '../readiness.ts'
import type { ContainerStatus, PodView, Terminated } from '../views.ts'
import type { HealthReport } from '../worker-health.ts'

/** Every signal, most specific first: the first one found is treated. */
export const signalKinds = [
  'ImagePullFailed',
  'OOMKilled',
  'CrashLoop',
  'NodeNotReady',
  'SidecarMissing',
  'Evicted',
  'NotReady',
  'ComponentNotLoaded',
  'ConsumerStuck',
  'PoolExhausted',
  'DeadLettersGrowing',
] as const
/** One of {@link signalKinds}. */
export type SignalKind = (typeof signalKinds)[number]

/** One thing that is wrong. */
export interface Signal {
  readonly kind: SignalKind
  /** ms since the epoch. */
  readonly since: number
  /** `Pod/name` or `Deployment/name`. */
  readonly object: string
  readonly detail: string
  /** Names of the pods it is seen on. */
  readonly pods: readonly string[]
  /** See the header of this file. */
  readonly acute: boolean
  /** Time of the look that saw it, in ms since the epoch, where there is a look now and then only. */
  readonly seenAt?: number
  /** Nothing follows from it before this time, in ms since the epoch, however long it lasts. */
  readonly notBefore?: number
}

/** Why a worker is not healthy that no step of a ladder can change, such as a pod that no node takes. */
export interface Obstacle {
  readonly object: string
  readonly detail: string
}

/** What is seen of one worker. */
export interface WorkerSeen {
  readonly state: WorkloadState
  /** Name of its container. */
  readonly container: string
  /** Dapr components its sidecar has to load. */
  readonly components: readonly string[]
  /** Components each sidecar has loaded, by pod; pods whose sidecar has not answered are absent. */
  readonly loaded: ReadonlyMap<string, readonly string[]>
  readonly health: ReadonlyMap<string, HealthReport>
  /** What Kafka's figures say; ms since the epoch. */
  readonly consumer: {
    /** It takes no events although some wait; `seenAt`: time of the look that saw it standing still. */
    readonly stuck?: { readonly since: number; readonly seenAt?: number; readonly detail: string }
    /** Events it refused pile up. */
    readonly deadLetters?: { readonly since: number; readonly detail: string }
  }
  /** How long a pod that failed must be ready to count as well again, in ms. */
  readonly healthyDelay: number
  /** ms since the epoch */
  readonly now: number
}

/** The signals of one worker, most specific first, and what no action can change. */
export function signalsOf(seen: WorkerSeen): { readonly signals: readonly Signal[]; readonly obstacle?: Obstacle } {
  if (seen.state.wanted === 0) return { signals: [] }
  const pods = seen.state.pods.filter(({ terminating, phase }) => !terminating && phase !== 'Succeeded')
  const found = pods.map((pod) => ofPod(pod, seen))
  const obstacle = found.find((one) => one.obstacle !== undefined)?.obstacle ?? refused(seen.state)
  const down = pods.filter(({ ready, phase }) => !ready && phase !== 'Failed').map(({ name }) => name)
  const signals = [...merged(found.flatMap(({ signals: own }) => own)), ...ofConsumer(seen)].map((signal) =>
    // What is wrong about an eviction is that the replacement does not come up.
    signal.kind === 'Evicted' ? { ...signal, pods: [...signal.pods, ...down] } : signal,
  )
  signals.sort((a, b) => rank(a.kind) - rank(b.kind))
  return { signals, ...(obstacle === undefined ? {} : { obstacle }) }
}

interface Found {
  readonly signals: readonly Signal[]
  readonly obstacle?: Obstacle
}

const nothing: Found = { signals: [] }
const rank = (kind: SignalKind): number => signalKinds.indexOf(kind)

/** Reasons of blockers.ts that replacing pods does not change. */
const obstacles = new Set(['Unschedulable', 'ContainerConfig', 'VolumePending'])

function ofPod(pod: PodView, seen: WorkerSeen): Found {
  const one = (kind: SignalKind, since: number, detail: string, acute = true): Found => ({
    signals: [{ kind, since, object: `Pod/${pod.name}`, detail, pods: [pod.name], acute }],
  })
  // A pod that ended is replaced by its ReplicaSet at once; it matters only while the replacement does not come up.
  if (pod.phase === 'Failed') {
    return pod.reason === 'Evicted' && isShort(seen.state)
      ? one('Evicted', readySince(pod), `was evicted: ${pod.message ?? 'no reason given'}`)
      : nothing
  }
  const ended = endedContainer(pod, seen)
  if (ended !== undefined) return one(ended.kind, readySince(pod), ended.detail, ended.acute)
  if (!pod.containerNames.includes('daprd')) return one('SidecarMissing', startOf(pod), 'has no container daprd')
  if (pod.ready) return { signals: ofReadyPod(pod, seen) }

  const blocker = podBlocker(pod, seen.now)
  if (blocker?.reason === 'ImagePullFailed') return one('ImagePullFailed', readySince(pod), blocker.detail)
  if (blocker !== undefined && obstacles.has(blocker.reason)) return { signals: [], obstacle: blocker }
  if (isForsaken(pod)) return one('NodeNotReady', readySince(pod), 'its kubelet does not report any more')
  return one('NotReady', readySince(pod), failingChecks(seen.health.get(pod.name)) ?? 'is not ready')
}

/** The container whose end is the pod's trouble: killed for its memory, or ending again and again. */
function endedContainer(
  pod: PodView,
  { container: worker, healthyDelay, now }: WorkerSeen,
): { readonly kind: 'OOMKilled' | 'CrashLoop'; readonly detail: string; readonly acute: boolean } | undefined {
  const wellAgain = pod.ready && now - readySince(pod) >= healthyDelay
  for (const container of pod.containers) {
    const end = container.state?.terminated ?? container.lastState?.terminated
    if (end === undefined && !isBackingOff(container)) continue
    const restarts = container.restartCount ?? 0
    const oom = end?.reason === 'OOMKilled'
    const recent = now - Date.parse(end?.finishedAt ?? '') < recentEnd
    if (oom && container.name === worker && (!wellAgain || (restarts > 1 && recent))) {
      const detail = `container ${container.name} was killed for using more than its memory limit`
      return { kind: 'OOMKilled', detail, acute: !pod.ready || (restarts > 1 && recent) }
    }
    const loops = isBackingOff(container) || (end?.exitCode !== 0 && restarts > 1)
    if (loops && !wellAgain)
      return {
        kind: 'CrashLoop',
        detail: `container ${container.name} keeps ending: ${howItEnded(end)}`,
        acute: !pod.ready,
      }
  }
  return undefined
}

/** An OOM kill counts for so long (ms) although the pod is ready again: its process may take minutes to grow. */
const recentEnd = 10 * 60_000

const isBackingOff = ({ state }: ContainerStatus): boolean => state?.waiting?.reason === 'CrashLoopBackOff'

const howItEnded = (end: Terminated | undefined): string => {
  if (end === undefined) return 'nobody says how'
  const { exitCode, reason } = end
  return reason === undefined || reason === 'Error' ? `exit code ${exitCode}` : `${reason}, exit code ${exitCode}`
}

function ofReadyPod(pod: PodView, { components, loaded, health, now }: WorkerSeen): Signal[] {
  const found: Signal[] = []
  const add = (kind: SignalKind, since: number, detail: string): void => {
    found.push({ kind, since, object: `Pod/${pod.name}`, detail, pods: [pod.name], acute: true })
  }
  const has = loaded.get(pod.name)
  const missing = has === undefined ? [] : components.filter((name) => !has.includes(name))
  if (missing.length > 0) add('ComponentNotLoaded', readySince(pod), `daprd has not loaded ${missing.join(', ')}`)
  const report = health.get(pod.name)
  // The look says only how it is now: since when is kept in status.
  if (report?.state === 'Answered' && report.answer.poolExhausted)
    add('PoolExhausted', now, 'callers wait for a database connection')
  return found
}

/**
 * The kubelet does not report: the node controller has marked the pod as not ready, and nobody has marked its containers so
 * (kubernetes pkg/util/node MarkPodsNotReady changes this one condition only). Seen without the right to read nodes.
 */
function isForsaken(pod: PodView): boolean {
  const containersReady = pod.conditions.find(({ type }) => type === 'ContainersReady')
  return containersReady?.status === 'True' && pod.containers.length > 0 && pod.containers.every(({ ready }) => ready)
}

/** How long Kafka waits for a member that was killed before it gives its partitions away, in ms: Dapr's default (sarama's session timeout). */
const kafkaSession = 10_000

/**
 * How long a pod that goes may keep its partitions, in ms: the sidecar of a worker that is dead drains in vain (desired/sidecar.ts), at most until
 * the kubelet kills it, and then Kafka waits for it.
 */
const handOver = gracePeriodSeconds * 1_000 + kafkaSession

/** A place that stands still is older than pods that were replaced since: it is theirs only as long as one of them could have moved it. */
function ofConsumer({ state, consumer, container }: WorkerSeen): Signal[] {
  const object = `Deployment/${state.name}`
  const running = state.pods.filter(({ terminating, phase }) => !terminating && phase === 'Running')
  const pods = running.map(({ name }) => name)
  const couldMove = Math.min(...running.filter(({ ready }) => ready).map(readySince))
  const known = Number.isFinite(couldMove)
  const { stuck, deadLetters } = consumer
  return [
    ...(stuck === undefined
      ? []
      : [
          {
            kind: 'ConsumerStuck' as const,
            since: known ? Math.max(stuck.since, couldMove) : stuck.since,
            object,
            detail: `${container} takes no events although some wait: ${stuck.detail}`,
            pods,
            acute: true,
            ...(stuck.seenAt === undefined ? {} : { seenAt: stuck.seenAt }),
            ...(known ? { notBefore: couldMove + handOver } : {}),
          },
        ]),
    ...(deadLetters === undefined
      ? []
      : [{ kind: 'DeadLettersGrowing' as const, ...deadLetters, object, pods, acute: true }]),
  ]
}

/** One signal per kind, of all its pods, since the earliest. */
function merged(signals: readonly Signal[]): Signal[] {
  const byKind = new Map<SignalKind, Signal>()
  for (const signal of signals) {
    const known = byKind.get(signal.kind)
    byKind.set(
      signal.kind,
      known === undefined
        ? signal
        : {
            ...(known.acute || !signal.acute ? known : signal),
            since: Math.min(known.since, signal.since),
            pods: [...known.pods, ...signal.pods],
            acute: known.acute || signal.acute,
          },
    )
  }
  return [...byKind.values()]
}

function refused({ kind, name, live }: WorkloadState): Obstacle | undefined {
  const refusal = live?.conditions.find(({ type, status }) => type === 'ReplicaFailure' && status === 'True')
  return refusal === undefined
    ? undefined
    : { object: `${kind}/${name}`, detail: refusal.message ?? 'its pods are refused' }
}

/** Fewer pods are ready than wanted. */
const isShort = ({ live, wanted }: WorkloadState): boolean => (live?.ready ?? 0) < wanted

/** When the pod's readiness last changed; its creation before the first time. */
export const readySince = (pod: PodView): number => {
  const at = Date.parse(pod.conditions.find(({ type }) => type === 'Ready')?.lastTransitionTime ?? pod.createdAt)
  return Number.isNaN(at) ? Date.parse(pod.createdAt) : at
}

const startOf = (pod: PodView): number => Date.parse(pod.createdAt)

/** The worker's own words about what it misses. */
function failingChecks(report: HealthReport | undefined): string | undefined {
  if (report?.state !== 'Answered') return undefined
  const failing = Object.entries(report.answer.failing)
  return failing.length === 0
    ? undefined
    : `is not ready: ${failing.map(([name, why]) => `${name}: ${why}`).join('; ')}`
}
