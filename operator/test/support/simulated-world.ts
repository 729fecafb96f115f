/**
 * The objects that the simulated controllers go by, kept by watches as those of a real cluster are. Writes go through here, so that what was
 * written is seen at once; otherwise a second look before the watch has brought it would write it again.
 */
import pino from 'pino'
import type { KubeClient } from '../../src/kube/client.ts'
import { kinds } from '../../src/kube/kinds.ts'
import { KubeError } from '../../src/kube/kube-error.ts'
import type { KubeObject, ObjectRef } from '../../src/kube/object.ts'
import type { Transport } from '../../src/kube/transport.ts'
import { createInformer, type Informer } from '../../src/runtime/informer.ts'
import { createMetrics } from '../../src/runtime/metrics.ts'

/** Kinds of which the simulator reads more than who owns them. */
const read = ['Deployment', 'StatefulSet', 'Job', 'Pod', 'ConfigMap', 'Component', 'Subscription'] as const
/** Kinds that only own, or are owned. */
const owned = [
  ...(['ReplicaSet', 'Secret', 'Service', 'ServiceAccount', 'Role', 'RoleBinding', 'NetworkPolicy'] as const),
  ...(['Configuration', 'Resiliency', 'Incident', 'Replay', 'Restore', 'Backup', 'TodoChatbot'] as const),
] as const

type Read = (typeof read)[number]
type Known = Read | (typeof owned)[number]

/** See the header of this file. */
export interface World {
  list: (kind: Read) => readonly KubeObject[]
  get: (kind: Read, ref: ObjectRef) => KubeObject | undefined
  inNamespace: (kind: Read, namespace: string) => readonly KubeObject[]
  ownedBy: (kind: Read, uid: string) => readonly KubeObject[]
  /** Undefined when the API server does not want it: its namespace goes, or it is there already. */
  create: (object: KubeObject) => Promise<KubeObject | undefined>
  /** Writes the fields of a status that differ; nothing when the object is gone. */
  patchStatus: (kind: Read, object: KubeObject, status: object) => Promise<void>
  delete: (kind: Known, object: KubeObject) => Promise<void>
  /** Deletes what is owned by something that is gone, as the garbage collector does: after asking for the owner. @returns who was deleted */
  collect: () => Promise<readonly KubeObject[]>
  stop: () => Promise<void>
}

const fieldManager = 'workload-simulator'

/** Starts to watch. @param onChange something is different from what was known */
export function watchWorld(
  { transport, client }: { readonly transport: Transport; readonly client: KubeClient },
  onChange: () => void,
): World {
  const stopping = new AbortController()
  const metrics = createMetrics()
  const follow = (kind: Known): Informer =>
    createInformer(
      {
        kind: kinds[kind],
        metadataOnly: !(read as readonly string[]).includes(kind),
        tuning: { backoff: { baseMs: 50, maxMs: 1_000 } },
      },
      { transport, client, metrics, logger: pino({ level: 'silent' }) },
    ).as(fieldManager)
  const informers = new Map<Known, Informer>([...read, ...owned].map((kind) => [kind, follow(kind)]))
  const of = (kind: Known): Informer => {
    const informer = informers.get(kind)
    if (informer === undefined) throw new Error(`${kind} is not watched`)
    return informer
  }
  for (const informer of informers.values())
    informer.onChange(({ own }) => {
      if (!own) onChange()
    })
  const running = [...informers.values()].map((informer) => informer.run(stopping.signal))

  const unlessRefused = (error: unknown): undefined => {
    // 403: there is no ServiceAccount yet, or the namespace goes.
    if (!(error instanceof KubeError) || ![403, 404, 409].includes(error.status)) throw error
  }
  const remove = async (kind: Known, { metadata }: KubeObject): Promise<void> => {
    await client.delete(kinds[kind], metadata, { uid: metadata.uid }).catch(unlessRefused)
  }
  const isGone = async (
    { kind, name, uid }: { readonly kind: string; readonly name: string; readonly uid: string },
    namespace: string | undefined,
  ): Promise<boolean> => {
    const found = await client.get(kinds[kind as Known], { namespace, name }).catch(unlessRefused)
    return found?.metadata.uid !== uid
  }
  const collect = async (): Promise<readonly KubeObject[]> => {
    if (![...informers.values()].every(({ synced }) => synced)) return []
    const everything = [...informers].flatMap(([kind, informer]) =>
      informer.list().map((object) => [kind, object] as const),
    )
    const alive = new Set(everything.map(([, { metadata }]) => metadata.uid))
    const orphans = everything.filter(([, { metadata }]) => {
      const [owner] = metadata.ownerReferences ?? []
      return owner !== undefined && !alive.has(owner.uid)
    })
    const deleted: KubeObject[] = []
    const gone = new Map<string, Promise<boolean>>()
    await Promise.all(
      orphans.map(async ([kind, object]) => {
        const [owner] = object.metadata.ownerReferences ?? []
        if (owner === undefined) return
        const asked = gone.get(owner.uid) ?? isGone(owner, object.metadata.namespace)
        gone.set(owner.uid, asked)
        if (!(await asked)) return
        await remove(kind, object)
        deleted.push(object)
      }),
    )
    return deleted
  }

  return {
    list: (kind) => of(kind).list(),
    get: (kind, ref) => of(kind).get(ref),
    inNamespace: (kind, namespace) => of(kind).inNamespace(namespace),
    ownedBy: (kind, uid) => of(kind).ownedBy(uid),
    create: async (object) => {
      const created = await client.create(object, { fieldManager }).catch(unlessRefused)
      if (created !== undefined && informers.has(object.kind as Known)) of(object.kind as Known).observe(created)
      return created
    },
    patchStatus: async (kind, object, status) => {
      const before = object['status'] ?? {}
      if (JSON.stringify({ ...before, ...status }) === JSON.stringify(before)) return
      const options = { fieldManager, subresource: 'status' } as const
      const written = await client.patch(kinds[kind], object.metadata, { status }, options).catch(unlessRefused)
      if (written !== undefined) of(kind).observe(written)
    },
    delete: async (kind, object) => {
      await remove(kind, object)
      of(kind).observeDeleted(object)
    },
    collect,
    stop: async () => {
      stopping.abort()
      await Promise.all(running)
      metrics.stop()
    },
  }
}
