/**
 * Leader election on a `coordination.k8s.io/v1` Lease, after client-go's leaderelection.
 *
 * Safety does not rest on clocks of different machines. A candidate notes, on its own monotonic clock, when it first saw the
 * lease's present content; only when that content has not changed for the lease's duration does it take over. The holder renews
 * every `retryMs` and considers itself dethroned when no renewal has succeeded for `renewMs`, which is shorter than the
 * duration: it has stopped before anybody else starts. Every write carries the resourceVersion read, so of two candidates the
 * API server lets one win.
 *
 * `acquire` resolves once the lease is held; `lost` in the handle resolves when it is not any more, and whoever holds it must
 * stop all writing then, usually by ending the process. `release` gives the lease away at once (holderIdentity empty), so that
 * the next leader does not wait for the duration after an orderly stop.
 *
 * The event loop must not stall longer than `renewMs - retryMs`, or leadership is lost: watch nodejs_eventloop_lag_p99_seconds.
 *
 * Proof: leader-election.test.ts (two candidates on one server, one that cannot reach it, a stolen lease, release), and
 * operator/test/runtime.integration.test.ts on a real API server.
 */
import type { Logger } from 'pino'
import { sleep } from '../kube/backoff.ts'
import type { KubeClient } from '../kube/client.ts'
import { kinds } from '../kube/kinds.ts'
import { hasReason, isNotFound } from '../kube/kube-error.ts'
import type { KubeObject } from '../kube/object.ts'
import type { Metrics } from './metrics.ts'
import { microTime } from './micro-time.ts'

/** Identity and timing; times in ms. */
export interface LeaderElectionOptions {
  readonly namespace: string
  readonly name: string
  /** Unique per process: pod name plus something random, because a restarted container keeps its pod's name. */
  readonly identity: string
  readonly fieldManager: string
  /** How long a lease that is not renewed belongs to its holder. Default 15 000. */
  readonly durationMs?: number
  /** The holder gives up after this time without a renewal. Default 10 000. */
  readonly renewMs?: number
  /** Pause between tries, up to 1.2 times as long. Default 2000. */
  readonly retryMs?: number
  readonly now?: () => number
  readonly random?: () => number
}

/** What the process that got the lease holds. */
export interface Leadership {
  /** Resolves when leadership is lost, or after `release`. */
  readonly lost: Promise<void>
  /** Stops renewing and gives the lease away; safe to call twice. */
  readonly release: () => Promise<void>
}

interface LeaseSpec {
  readonly holderIdentity?: string
  readonly leaseDurationSeconds?: number
  readonly acquireTime?: string
  readonly renewTime?: string
  readonly leaseTransitions?: number
}

/** A lease as read, and when this content was first seen here. */
interface Observation {
  readonly lease: KubeObject
  readonly spec: LeaseSpec
  readonly at: number
}

/** Waits until the lease is held. Rejects with the signal's reason when it aborts before. */
export const acquireLeadership = async (
  options: LeaderElectionOptions,
  dependencies: { readonly client: KubeClient; readonly metrics: Metrics; readonly logger: Logger },
  signal: AbortSignal,
): Promise<Leadership> => {
  const { namespace, name, identity, fieldManager } = options
  const { durationMs = 15_000, renewMs = 10_000, retryMs = 2000 } = options
  const { now = () => performance.now(), random = Math.random } = options
  const { client, metrics } = dependencies
  const logger = dependencies.logger.child({ lease: `${namespace}/${name}`, identity })
  let observed: Observation | undefined

  const observe = (lease: KubeObject): Observation => {
    const spec = (lease['spec'] ?? {}) as LeaseSpec
    const changed = observed?.lease.metadata.resourceVersion !== lease.metadata.resourceVersion
    if (changed || observed === undefined) observed = { lease, spec, at: now() }
    return observed
  }
  const leaseOf = (spec: LeaseSpec, base?: KubeObject): KubeObject => ({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: base?.metadata ?? { namespace, name },
    spec: { ...(base?.['spec'] as object | undefined), ...spec },
  })
  const holding = (former?: LeaseSpec): LeaseSpec => {
    const time = microTime(Date.now())
    const ours = former?.holderIdentity === identity
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(durationMs / 1000),
      acquireTime: ours ? (former.acquireTime ?? time) : time,
      renewTime: time,
      leaseTransitions: (former?.leaseTransitions ?? 0) + (ours || former === undefined ? 0 : 1),
    }
  }

  /** One try to get or keep the lease; false when somebody else holds it or was faster. */
  const tryHold = async (stop: AbortSignal): Promise<boolean> => {
    const call = { fieldManager, signal: stop, timeoutMs: renewMs / 2, urgent: true }
    if (observed?.spec.holderIdentity === identity) {
      // What we wrote last is still there, or the write is refused and the lease is read again: no GET per renewal.
      try {
        observe(await client.replace(leaseOf(holding(observed.spec), observed.lease), call))
        return true
      } catch (error) {
        if (!hasReason(error, 'Conflict') && !isNotFound(error)) throw error
      }
    }
    try {
      const { lease, spec, at } = observe(await client.get(kinds.Lease, { namespace, name }, call))
      const holder = spec.holderIdentity ?? ''
      const validMs = Math.max(durationMs, (spec.leaseDurationSeconds ?? 0) * 1000)
      if (holder !== '' && holder !== identity && now() < at + validMs) return false
      observe(await client.replace(leaseOf(holding(spec), lease), call))
      return true
    } catch (error) {
      if (hasReason(error, 'Conflict') || hasReason(error, 'AlreadyExists')) return false
      if (!isNotFound(error)) throw error
    }
    try {
      observe(await client.create(leaseOf(holding()), call))
      return true
    } catch (error) {
      if (hasReason(error, 'AlreadyExists')) return false
      throw error
    }
  }

  const attempt = async (stop: AbortSignal): Promise<boolean> =>
    tryHold(stop).catch((error: unknown) => {
      if (!stop.aborted) logger.warn({ err: error }, 'cannot read or write the lease')
      return false
    })

  const renew = async (stop: AbortSignal): Promise<void> => {
    let renewedAt = now()
    for (;;) {
      await sleep(retryMs, stop)
      if (stop.aborted) return
      // Measured from before the request: the answer may arrive long after the server counted from.
      const startedAt = now()
      if (await attempt(stop)) renewedAt = startedAt
      else if (isTakenBy(observed?.spec, identity)) {
        logger.error({ holder: observed?.spec.holderIdentity }, 'the lease was taken by another process')
        return
      }
      if (now() - renewedAt >= renewMs) {
        logger.error({ renewMs }, 'the lease could not be renewed in time')
        return
      }
    }
  }

  /** Gives away what is still ours. A renewal cut short by the stop may have been carried out: then the lease is read again. */
  const giveAway = async (lease: KubeObject): Promise<void> => {
    const call = { fieldManager, timeoutMs: 2000, urgent: true }
    const given: LeaseSpec = { holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(Date.now()) }
    try {
      await client.replace(leaseOf(given, lease), call)
    } catch (error) {
      if (!hasReason(error, 'Conflict')) throw error
      const present = await client.get(kinds.Lease, { namespace, name }, call)
      const { holderIdentity } = (present['spec'] ?? {}) as LeaseSpec
      if (holderIdentity === identity) await client.replace(leaseOf(given, present), call)
    }
  }

  const release = async (): Promise<void> => {
    if (observed?.spec.holderIdentity !== identity) return
    await giveAway(observed.lease).catch((error: unknown) => {
      // Not held any more, or the server is gone: the lease then simply runs out.
      logger.warn({ err: error }, 'the lease was not released')
    })
    observed = undefined
  }

  metrics.isLeader.set({ name }, 0)
  for (;;) {
    signal.throwIfAborted()
    if (await attempt(signal)) break
    await sleep(retryMs * (1 + 0.2 * random()), signal)
  }
  signal.throwIfAborted()
  metrics.isLeader.set({ name }, 1)
  logger.info('became leader')

  const stopRenewing = new AbortController()
  const lost = renew(stopRenewing.signal).finally(() => metrics.isLeader.set({ name }, 0))
  let released: Promise<void> | undefined
  return {
    lost,
    release: () => {
      stopRenewing.abort()
      released ??= lost.then(release)
      return released
    },
  }
}

const isTakenBy = (spec: LeaseSpec | undefined, identity: string): boolean =>
  spec?.holderIdentity !== undefined && spec.holderIdentity !== '' && spec.holderIdentity !== identity
