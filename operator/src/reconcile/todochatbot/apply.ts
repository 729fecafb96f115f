/** The third verb: brings about what is desired in the stages whose gates are open, and removes what is not desired any more. */
import { annotation } from '../../api/v1alpha1/labels.ts'
import type { ApplyError, ApplyErrorCode } from '../../apply/apply-error.ts'
import type { Applier, ApplyResult } from '../../apply/kube.ts'
import type { Owner } from '../../apply/ownership.ts'
import type { DesiredObject } from '../../desired/types.ts'
import { kinds } from '../../kube/kinds.ts'
import { describe, type KubeObject } from '../../kube/object.ts'
import { finding, type Finding, type Reason } from '../errors.ts'
import type { Gates } from './gates.ts'
import { prunedKinds, type Informers } from './informers.ts'
import type { Rollouts } from './rollouts.ts'
import type { Applied } from './status.ts'

/** What applying needs. */
export interface ApplyTools {
  readonly applier: Applier
  readonly informers: Informers
}

/** What to bring about. */
export interface ApplyPlan {
  readonly owner: Owner
  /** With the templates that were chosen. */
  readonly desired: readonly DesiredObject[]
  readonly gates: Gates
  readonly rollouts: Pick<Rollouts, 'held' | 'skip'>
  /** Objects that are not desired any more and still needed, as `Kind/name`. */
  readonly inUse: ReadonlySet<string>
  /** Kinds the API server does not serve: their objects are left out. */
  readonly missingKinds: readonly string[]
}

/** What became of it. `retryAfterMs`: the earliest useful next try of what failed. */
export interface Carried extends Applied {
  readonly changed: number
  /** Objects that existed and were written, as `Kind/name`. */
  readonly configured: ReadonlySet<string>
  readonly retryAfterMs: number | undefined
}

/** Applies open stages, prunes, and notes what is held. Failures are part of the answer; it rejects only when the signal aborts. */
export async function carryOut(tools: ApplyTools, plan: ApplyPlan, signal: AbortSignal): Promise<Carried> {
  const { owner, desired, gates, missingKinds, rollouts, inUse } = plan
  const open = desired.filter(
    ({ stage, object }) =>
      gates.open.has(stage) && !missingKinds.includes(object.kind) && !rollouts.skip.has(idOf(object)),
  )
  const results = open.length === 0 ? [] : await tools.applier.applyObjects({ owner, items: open, signal })
  const wanted = new Set(desired.map(({ object }) => idOf(object)))
  const pruned = !gates.open.has('Foundation')
    ? { deleted: [], failed: [] }
    : await tools.applier.pruneObjects({
        owner,
        kinds: prunedKinds.filter((kind) => !missingKinds.includes(kind)).map((kind) => kinds[kind]),
        keep: (object) => wanted.has(idOf(object)) || inUse.has(idOf(object)),
        signal,
      })
  const errors = [...results.filter((result) => result.action === 'failed').map(({ error }) => error), ...pruned.failed]
  const delays = errors.map((error) => error.retryAfterMs ?? defaultRetry)
  return {
    failures: errors.map(failureOf),
    outdated: desired
      .filter(
        (item) =>
          rollouts.held.has(idOf(item.object)) || (!gates.open.has(item.stage) && isOutdated(item, tools.informers)),
      )
      .map(({ object }) => idOf(object)),
    configured: new Set(results.filter(({ action }) => action === 'configured').map(({ item }) => idOf(item.object))),
    changed: results.filter(isChange).length + pruned.deleted.length,
    retryAfterMs: delays.length === 0 ? undefined : Math.min(...delays),
  }
}

/** An apply error as a finding. */
export function failureOf(error: ApplyError): Finding {
  return finding(reasons[error.code], idOf(error.object), error.message.replace(`${describe(error.object)}: `, ''))
}

/** Pause before what failed is tried again, in ms, unless the API server asks for more. */
const defaultRetry = 2_000

const reasons: Readonly<Record<ApplyErrorCode, Reason>> = {
  TDC_APPLY_OWNED_BY_OTHER: 'OwnedByOther',
  TDC_APPLY_CONTESTED: 'FieldContested',
  TDC_APPLY_INVALID: 'ObjectRefused',
  TDC_APPLY_FORBIDDEN: 'Forbidden',
  TDC_APPLY_NAMESPACE_GONE: 'Forbidden',
  TDC_APPLY_KIND_MISSING: 'KindMissing',
  TDC_APPLY_UNAVAILABLE: 'ApiServerUnavailable',
}

const isChange = ({ action }: ApplyResult): boolean => action === 'created' || action === 'configured'

const idOf = ({ kind, metadata }: KubeObject): string => `${kind}/${metadata.name}`

/** Held, and not what is desired. What is created once is outdated only when it is missing; Secrets are settled before. */
function isOutdated({ object, policy }: DesiredObject, informers: Informers): boolean {
  if (object.kind === 'Secret') return false
  const live = informers[object.kind as keyof Informers].get(object.metadata)
  if (live === undefined) return true
  return (
    policy === 'Apply' &&
    live.metadata.annotations?.[annotation.hash] !== object.metadata.annotations?.[annotation.hash]
  )
}
