/**
 * The objects of one kind, indexed by owner and namespace.
 *
 * Two sources feed it: the watch, which is complete and late, and the answers of our own writes, which are early. `observe` lets
 * a written version be seen at once, and the store then ignores what the watch delivers until it has passed that version;
 * without it a reconcile right after a write would see the old object and write again. Each version is reported as a change
 * once, by whichever source brings it first; the watch's copy of our own write is then none.
 *
 * Invariants: versions of an object never go back (resource versions are compared, see kube/resource-version.ts; where they are
 * not comparable the watch wins). A deletion we requested hides the object until the watch confirms it. After a snapshot the
 * store holds what the snapshot held plus our own newer writes. Objects are never changed in place.
 *
 * Memory: 14,000 objects must fit beside everything else in 150 MB. managedFields are dropped, apiVersion, kind, labels and
 * owner references are shared between objects, and packed stores hold everything except metadata and status as text, which V8
 * keeps in one byte per character and the garbage collector never looks into.
 */
import { compareResourceVersions } from '../kube/resource-version.ts'
import { keyOf } from '../kube/object.ts'
import type { KubeObject, ObjectRef } from '../kube/object.ts'
import { createInterner } from './interner.ts'

/** What an informer knows of one kind. Objects are shared and must not be changed; they carry no managedFields. */
export interface Store {
  /** The newest version known: from the watch, or from our own last write while the watch has not caught up with it. */
  get: (ref: ObjectRef) => KubeObject | undefined
  /** Objects with an owner reference to this uid. */
  ownedBy: (uid: string) => readonly KubeObject[]
  inNamespace: (namespace: string) => readonly KubeObject[]
  list: () => readonly KubeObject[]
  readonly size: number
  /**
   * The object with all fields that the informer keeps, for comparing. In stores that pack, what `get` returns has only
   * apiVersion, kind, metadata and status; the rest is held as text and parsed by this call.
   */
  whole: (object: KubeObject) => KubeObject
}

/** A change of what the store shows. */
export interface StoreChange {
  readonly type: 'upsert' | 'delete'
  readonly object: KubeObject
  readonly previous: KubeObject | undefined
}

/** The informer's side of a store. */
export interface WritableStore extends Store {
  /** Read-after-write: shows the answer of a write until the watch has delivered that version or a later one. */
  observe: (written: KubeObject) => StoreChange | undefined
  /** Read-after-write for deletions: hides the object with this uid until the watch has seen it go. */
  observeDeleted: (deleted: KubeObject) => StoreChange | undefined
  /** Takes an object from the watch or a snapshot; undefined when it is older than, or the same as, what is known. */
  upsert: (object: KubeObject) => StoreChange | undefined
  remove: (object: KubeObject) => StoreChange | undefined
  /** Ends a snapshot: removes what it did not contain, within the namespace if one is given. */
  retain: (seen: ReadonlySet<string>, resourceVersion: string, namespace: string | undefined) => readonly StoreChange[]
}

/** How objects are kept. */
export interface StoreOptions {
  /** Hold everything but apiVersion, kind, metadata and status as text. */
  readonly pack?: boolean | undefined
  /**
   * Drops fields nobody reads. Pure; keeps apiVersion, kind and metadata. `previous` is what the store holds, so that parts which are
   * equal can be taken over from it instead of being held and examined twice.
   */
  readonly transform?: ((object: KubeObject, previous: KubeObject | undefined) => KubeObject) | undefined
}

interface Entry {
  readonly object: KubeObject
  /** From our own write; the watch has not delivered it yet. */
  readonly ahead: boolean
}

/** Where a packed object carries its text. Symbols survive spreading and do not appear in JSON. */
const packed = Symbol('packed')

/** Makes an empty store. */
export const createStore = (options: StoreOptions = {}): WritableStore => {
  const entries = new Map<string, Entry>()
  const deletedUids = new Map<string, string>()
  const byOwner = createIndex()
  const byNamespace = createIndex()
  const intern = createInterner()

  const ingest = (object: KubeObject, previous: KubeObject | undefined): KubeObject => {
    const { managedFields, ...metadata } = object.metadata
    const trimmed: KubeObject = {
      ...object,
      metadata: intern(managedFields === undefined ? object.metadata : metadata),
    }
    const kept = options.transform?.(trimmed, previous) ?? trimmed
    return options.pack === true ? pack(kept) : kept
  }
  const put = (key: string, entry: Entry): void => {
    drop(key)
    entries.set(key, entry)
    const { namespace, ownerReferences = [] } = entry.object.metadata
    if (namespace !== undefined) byNamespace.add(namespace, key)
    for (const owner of ownerReferences) byOwner.add(owner.uid, key)
  }
  const drop = (key: string): void => {
    const former = entries.get(key)
    if (former === undefined) return
    entries.delete(key)
    const { namespace, ownerReferences = [] } = former.object.metadata
    if (namespace !== undefined) byNamespace.remove(namespace, key)
    for (const owner of ownerReferences) byOwner.remove(owner.uid, key)
  }
  const resolve = (keys: Iterable<string>): KubeObject[] => {
    const objects: KubeObject[] = []
    for (const key of keys) {
      const entry = entries.get(key)
      if (entry !== undefined) objects.push(entry.object)
    }
    return objects
  }

  const upsert = (incoming: KubeObject): StoreChange | undefined => {
    const key = keyOf(incoming.metadata)
    const deletedUid = deletedUids.get(key)
    if (deletedUid !== undefined) {
      if (deletedUid === incoming.metadata.uid) return undefined
      deletedUids.delete(key)
    }
    const former = entries.get(key)
    const order = compareResourceVersions(incoming.metadata.resourceVersion, former?.object.metadata.resourceVersion)
    if (former !== undefined && order !== undefined && order < 0) return undefined
    const same = former !== undefined && order === 0
    if (same) {
      // The echo of our own write: what is known is the same object, and was reported when it was observed.
      if (former.ahead) entries.set(key, { object: former.object, ahead: false })
      return undefined
    }
    const object = ingest(incoming, former?.object)
    put(key, { object, ahead: false })
    return { type: 'upsert', object, previous: former?.object }
  }

  const remove = (gone: KubeObject): StoreChange | undefined => {
    const key = keyOf(gone.metadata)
    const former = entries.get(key)
    if (deletedUids.get(key) === gone.metadata.uid) deletedUids.delete(key)
    // The deletion of a predecessor that arrives after we created its successor.
    if (former === undefined || former.object.metadata.uid !== gone.metadata.uid) return undefined
    drop(key)
    return { type: 'delete', object: former.object, previous: former.object }
  }

  return {
    get: (ref) => entries.get(keyOf(ref))?.object,
    ownedBy: (uid) => resolve(byOwner.keys(uid)),
    inNamespace: (namespace) => resolve(byNamespace.keys(namespace)),
    list: () => [...entries.values()].map(({ object }) => object),
    get size() {
      return entries.size
    },
    whole: unpack,
    observe: (written) => {
      const key = keyOf(written.metadata)
      const former = entries.get(key)?.object
      const order = compareResourceVersions(written.metadata.resourceVersion, former?.metadata.resourceVersion)
      // Equal: an apply that changed nothing; the object known is as good.
      if (former !== undefined && order !== undefined && order <= 0) return undefined
      deletedUids.delete(key)
      const object = ingest(written, former)
      put(key, { object, ahead: true })
      return { type: 'upsert', object, previous: former }
    },
    observeDeleted: (deleted) => {
      const key = keyOf(deleted.metadata)
      const former = entries.get(key)
      if (former !== undefined && former.object.metadata.uid !== deleted.metadata.uid) return undefined
      drop(key)
      if (deleted.metadata.uid !== undefined) deletedUids.set(key, deleted.metadata.uid)
      return former && { type: 'delete', object: former.object, previous: former.object }
    },
    upsert,
    remove,
    retain: (seen, resourceVersion, namespace) => {
      const changes: StoreChange[] = []
      for (const [key, { object, ahead }] of [...entries]) {
        if (seen.has(key) || (namespace !== undefined && object.metadata.namespace !== namespace)) continue
        const order = compareResourceVersions(object.metadata.resourceVersion, resourceVersion)
        if (ahead && order !== undefined && order > 0) continue
        drop(key)
        changes.push({ type: 'delete', object, previous: object })
      }
      for (const key of [...deletedUids.keys()]) if (!seen.has(key)) deletedUids.delete(key)
      return changes
    },
  }
}

const pack = (object: KubeObject): KubeObject => {
  const { apiVersion, kind, metadata, status, ...rest } = object
  const head: KubeObject = { apiVersion, kind, metadata, ...(status !== undefined && { status }) }
  return Object.defineProperty(head, packed, { value: JSON.stringify(rest), enumerable: true })
}

const unpack = (object: KubeObject): KubeObject => {
  const text = (object as { [packed]?: string })[packed]
  return text === undefined ? object : { ...object, ...(JSON.parse(text) as object) }
}

/** Sets of keys by an index value. */
const createIndex = () => {
  const sets = new Map<string, Set<string>>()
  return {
    add: (value: string, key: string): void => {
      const set = sets.get(value)
      if (set === undefined) sets.set(value, new Set([key]))
      else set.add(key)
    },
    remove: (value: string, key: string): void => {
      const set = sets.get(value)
      if (set?.delete(key) === true && set.size === 0) sets.delete(value)
    },
    keys: (value: string): Iterable<string> => sets.get(value) ?? [],
  }
}
