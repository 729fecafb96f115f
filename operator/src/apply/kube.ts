/**
 * Brings objects about, all kinds the same way: server-side apply (KEP-555) with one field manager and force, and no request at
 * all for an object that already holds what is desired. That is decided from the informer's copy by two tests:
 *
 * 1. The hash annotation equals the hash of the desired object: our last apply wanted the same. This also notices fields that
 *    are no longer desired, which no comparison of values can.
 * 2. The desired object is a subset of the live one (subset.ts): nobody changed what we own since. The result is remembered for
 *    this very copy of the object, so that an idle reconcile compares hashes only.
 *
 * If the API server's answer does not hold what was sent (an admission policy rewrites it, a spelling is normalised in a way
 * subset.ts does not know), exactly that difference is tolerated from then on: writing again would change nothing for ever.
 *
 * Answers go into the informer's store at once, so that a late watch does not cause a second write. Objects of others are never
 * touched: see strangers.ts for how they are found without a GET per object, and fights.ts for managers that undo our fields.
 *
 * Proof: kube.test.ts (applying twice writes once, foreign fields survive, on generated objects),
 * operator/test/apply.integration.test.ts on a real API server with every kind the operator owns.
 */
import type { KubeClient } from '../kube/client.ts'
import type { ResourceKind } from '../kube/kinds.ts'
import { kindOf } from '../kube/kinds.ts'
import { hasReason } from '../kube/kube-error.ts'
import { controllerOf, describe } from '../kube/object.ts'
import type { KubeObject, ObjectRef } from '../kube/object.ts'
import { ApplyError, applyErrorOf } from './apply-error.ts'
import { createFights } from './fights.ts'
import type { FightOptions } from './fights.ts'
import { otherManagers } from './field-managers.ts'
import { hashOf } from './hash.ts'
import { ownerReferenceOf, refuseOthers } from './ownership.ts'
import type { Owner } from './ownership.ts'
import { pruneObjects } from './prune.ts'
import type { PruneInput, PruneResult } from './prune.ts'
import { createStrangers } from './strangers.ts'
import { differences } from './subset.ts'

/** The part of an informer that applying needs; every Informer of runtime has it. */
export interface LiveCache {
  readonly kind: ResourceKind
  get: (ref: ObjectRef) => KubeObject | undefined
  ownedBy: (uid: string) => readonly KubeObject[]
  whole: (object: KubeObject) => KubeObject
  observe: (written: KubeObject) => void
  observeDeleted: (deleted: KubeObject) => void
}

/** `Apply`: kept equal to what is desired. `CreateOnce`: created when absent, then never written again (Secrets, Jobs). */
export type ApplyPolicy = 'Apply' | 'CreateOnce'

/** One object to bring about. */
export interface ApplyItem {
  readonly object: KubeObject
  /** Default Apply. */
  readonly policy?: ApplyPolicy | undefined
}

/** What happened to one object. `live` is the newest version known, as the informer keeps it or as the API server answered. */
export type ApplyResult =
  | { readonly action: 'unchanged' | 'kept'; readonly item: ApplyItem; readonly live: KubeObject }
  | {
      readonly action: 'created' | 'configured'
      readonly item: ApplyItem
      readonly live: KubeObject
      /** What the API server did not take over as sent, usually nothing. */
      readonly notHeld: readonly string[]
    }
  | { readonly action: 'failed'; readonly item: ApplyItem; readonly error: ApplyError }

/** Brings objects about. One per controller: it remembers writes for fight detection, and its caches know whose writes they observe. */
export interface Applier {
  /**
   * Applies all items concurrently and reports on each, in order; rejects only when the signal aborts. Adds the controller
   * reference and the hash annotation where the desired object lacks them; labels are the caller's.
   */
  applyObjects: (input: {
    readonly owner: Owner
    readonly items: readonly ApplyItem[]
    readonly signal: AbortSignal
  }) => Promise<readonly ApplyResult[]>
  /** Deletes what the owner controls and `keep` refuses; see prune.ts. */
  pruneObjects: (input: PruneInput) => Promise<PruneResult>
}

/** What an applier needs. */
export interface ApplierDependencies {
  readonly client: KubeClient
  /** The informer of a kind; every kind that is applied must have one. */
  readonly cacheOf: (kind: ResourceKind) => LiveCache | undefined
  /** Name in managedFields, and value of the label `app.kubernetes.io/managed-by` that our objects carry. */
  readonly fieldManager: string
  /** Key of the hash annotation. */
  readonly hashAnnotation: string
  /** Milliseconds. */
  readonly now: () => number
  readonly fights?: Omit<FightOptions, 'now'>
}

/** Makes the applier. */
export const createApplier = (dependencies: ApplierDependencies): Applier => {
  const { client, fieldManager, hashAnnotation, now } = dependencies
  const strangers = createStrangers(client, `app.kubernetes.io/managed-by=${fieldManager}`, now)
  const fights = createFights({ ...dependencies.fights, now })
  /** Copies of live objects known to hold the desired state with this hash. */
  const verified = new WeakMap<KubeObject, string>()
  /** Differences that stayed right after an apply, by object. */
  const tolerated = new Map<string, { readonly hash: string; readonly paths: string }>()
  const contestants = new Map<string, readonly string[]>()

  const cacheOf = (object: KubeObject): LiveCache => {
    const cache = dependencies.cacheOf(kindOf(object))
    if (cache === undefined) throw new TypeError(`${describe(object)}: kind has no informer, it cannot be applied`)
    return cache
  }

  const isHeld = (desired: KubeObject, hash: string, live: KubeObject, cache: LiveCache): boolean => {
    if (live.metadata.annotations?.[hashAnnotation] !== hash) return false
    if (verified.get(live) === hash) return true
    const paths = differences(desired, cache.whole(live)).join(' ')
    const tolerance = tolerated.get(describe(desired))
    if (paths !== '' && (tolerance?.hash !== hash || tolerance.paths !== paths)) return false
    verified.set(live, hash)
    return true
  }

  /** Lets a write pass, or says who undoes it; asks the API server for managedFields once per pause. */
  const refuseFight = async (desired: KubeObject, hash: string, signal: AbortSignal): Promise<void> => {
    const key = describe(desired)
    const permit = fights.permit(key, hash)
    if (permit.write) return
    if (permit.begins) {
      const live = await client.get(kindOf(desired), desired.metadata, { signal }).catch(() => undefined)
      contestants.set(key, live === undefined ? [] : otherManagers(live, fieldManager, differences(desired, live)))
    }
    const others = contestants.get(key) ?? []
    const who = others.length > 0 ? `field manager ${others.join(', ')}` : 'somebody'
    throw new ApplyError({
      code: 'TDC_APPLY_CONTESTED',
      object: desired,
      message: `${who} has undone it ${permit.corrections} times; stop it from writing these fields, the next try follows by itself`,
      others,
      retryAfterMs: permit.pausedMs,
    })
  }

  const apply = async (owner: Owner, item: ApplyItem, signal: AbortSignal): Promise<ApplyResult> => {
    const cache = cacheOf(item.object)
    const owned = withOwner(item.object, owner)
    const hash = owned.metadata.annotations?.[hashAnnotation] ?? hashOf(owned)
    const desired = withAnnotation(owned, hashAnnotation, hash)
    const live = cache.get(desired.metadata)
    const existing = live ?? (await strangers.find(desired))
    if (existing !== undefined) refuseOthers(desired, existing, owner, live !== undefined)
    if (live !== undefined && isHeld(desired, hash, live, cache)) return { action: 'unchanged', item, live }
    await refuseFight(desired, hash, signal)
    // What is believed absent is not forced: whoever created it meanwhile keeps the values, and the next try finds whose it is.
    const { object, created } = await client.apply(desired, { fieldManager, force: existing !== undefined, signal })
    const key = describe(desired)
    fights.wrote(key, hash)
    cache.observe(object)
    const notHeld = differences(desired, object)
    if (notHeld.length > 0) tolerated.set(key, { hash, paths: notHeld.join(' ') })
    else tolerated.delete(key)
    const held = cache.get(desired.metadata)
    if (held !== undefined && held.metadata.resourceVersion === object.metadata.resourceVersion)
      verified.set(held, hash)
    return { action: created ? 'created' : 'configured', item, live: object, notHeld }
  }

  const createOnce = async (owner: Owner, item: ApplyItem, signal: AbortSignal): Promise<ApplyResult> => {
    const cache = cacheOf(item.object)
    const live = cache.get(item.object.metadata)
    if (live !== undefined) {
      refuseOthers(item.object, live, owner, true)
      return { action: 'kept', item, live }
    }
    try {
      const created = await client.create(withOwner(item.object, owner), { fieldManager, signal })
      cache.observe(created)
      return { action: 'created', item, live: created, notHeld: [] }
    } catch (error) {
      if (!hasReason(error, 'AlreadyExists')) throw error
      const found = await client.get(kindOf(item.object), item.object.metadata, { signal })
      refuseOthers(item.object, found, owner, true)
      cache.observe(found)
      return { action: 'kept', item, live: found }
    }
  }

  return {
    applyObjects: async ({ owner, items, signal }) => {
      const one = async (item: ApplyItem): Promise<ApplyResult> => {
        try {
          return await (item.policy === 'CreateOnce' ? createOnce : apply)(owner, item, signal)
        } catch (error) {
          if (error instanceof TypeError) throw error
          signal.throwIfAborted()
          return { action: 'failed', item, error: applyErrorOf(item.object, error) }
        }
      }
      return Promise.all(items.map(one))
    },
    pruneObjects: async (input) => {
      const result = await pruneObjects(dependencies, input)
      for (const object of result.deleted) {
        fights.forget(describe(object))
        tolerated.delete(describe(object))
      }
      return result
    },
  }
}

const withOwner = (object: KubeObject, owner: Owner): KubeObject =>
  controllerOf(object)?.uid === owner.metadata.uid
    ? object
    : { ...object, metadata: { ...object.metadata, ownerReferences: [ownerReferenceOf(owner)] } }

const withAnnotation = (object: KubeObject, key: string, value: string): KubeObject =>
  object.metadata.annotations?.[key] === value
    ? object
    : {
        ...object,
        metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, [key]: value } },
      }

export { ApplyError }
export type { ApplyErrorCode } from './apply-error.ts'
export type { Owner } from './ownership.ts'
export type { PruneInput, PruneResult } from './prune.ts'
