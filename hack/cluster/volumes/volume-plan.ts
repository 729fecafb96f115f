import { join } from 'node:path'

/** Name of the provisioner in the StorageClass, and the annotation it leaves on its volumes. */
export const PROVISIONER = 'todochatbot.dev/dev-folders'

/** The parts of a PersistentVolumeClaim that matter here. */
export interface Claim {
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly uid: string
    readonly deletionTimestamp?: string
  }
  readonly spec: {
    readonly storageClassName?: string
    readonly volumeName?: string
    readonly accessModes?: readonly string[]
    readonly volumeMode?: string
    readonly resources?: { readonly requests?: { readonly storage?: string } }
  }
}

/** The parts of a PersistentVolume that matter here. */
export interface Volume {
  readonly metadata: {
    readonly name: string
    readonly annotations?: Readonly<Record<string, string>>
    readonly deletionTimestamp?: string
  }
  readonly spec: {
    readonly persistentVolumeReclaimPolicy?: string
    readonly hostPath?: { readonly path: string }
    readonly capacity?: { readonly storage?: string }
  }
  readonly status?: { readonly phase?: string }
}

/** The parts of a StorageClass that matter here. */
export interface StorageClass {
  readonly metadata: { readonly name: string }
  readonly provisioner: string
  readonly reclaimPolicy?: string
}

/** One thing to do. */
export type VolumeAction =
  | { readonly type: 'Create'; readonly folder: string; readonly volume: Readonly<Record<string, unknown>> }
  | { readonly type: 'Delete'; readonly folder: string; readonly name: string }
  | { readonly type: 'Expand'; readonly name: string; readonly claim: Claim; readonly storage: string }

/**
 * What is to be done for the claims and volumes of a cluster: a folder and a volume for every claim of our classes that
 * has none; the end of every volume whose claim is gone when its reclaim policy is Delete (Retain keeps folder and
 * volume); and a greater capacity where a claim grew. Looks at state only, so it may be asked at any time.
 */
export function planVolumes(
  classes: readonly StorageClass[],
  claims: readonly Claim[],
  volumes: readonly Volume[],
  root: string,
): VolumeAction[] {
  const ours = new Map(
    classes.filter((entry) => entry.provisioner === PROVISIONER).map((entry) => [entry.metadata.name, entry]),
  )
  const existing = new Map(volumes.map((volume) => [volume.metadata.name, volume]))
  const actions: VolumeAction[] = []
  for (const claim of claims) {
    const storageClass = ours.get(claim.spec.storageClassName ?? '')
    if (!storageClass || claim.metadata.deletionTimestamp !== undefined) continue
    const name = claim.spec.volumeName ?? `pvc-${claim.metadata.uid}`
    const storage = claim.spec.resources?.requests?.storage ?? '1Gi'
    const volume = existing.get(name)
    if (!volume && claim.spec.volumeName === undefined) {
      actions.push(create(claim, storageClass, name, storage, root))
    } else if (volume && volume.spec.capacity?.storage !== storage && volume.status?.phase === 'Bound') {
      actions.push({ type: 'Expand', name, claim, storage })
    }
  }
  for (const volume of volumes) {
    if (volume.metadata.annotations?.['pv.kubernetes.io/provisioned-by'] !== PROVISIONER) continue
    if (volume.status?.phase !== 'Released' || volume.spec.persistentVolumeReclaimPolicy !== 'Delete') continue
    const folder = volume.spec.hostPath?.path
    if (folder?.startsWith(`${root}/`)) actions.push({ type: 'Delete', folder, name: volume.metadata.name })
  }
  return actions
}

function create(claim: Claim, storageClass: StorageClass, name: string, storage: string, root: string): VolumeAction {
  const { namespace, name: claimName, uid } = claim.metadata
  const folder = join(root, `${namespace}_${claimName}_${uid}`)
  const volume = {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name, annotations: { 'pv.kubernetes.io/provisioned-by': PROVISIONER } },
    spec: {
      capacity: { storage },
      accessModes: claim.spec.accessModes ?? ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      storageClassName: storageClass.metadata.name,
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name: claimName, uid },
      hostPath: { path: folder, type: 'Directory' },
    },
  }
  return { type: 'Create', folder, volume }
}
