/**
 * Which lists are maps in disguise: server-side apply merges them by these keys (`x-kubernetes-list-map-keys` in the OpenAPI
 * schema of Kubernetes), so others may own further items. All other lists are atomic and compared item by item. Two key
 * alternatives are tried in order, because container ports and Service ports share a name.
 */
const podLists: Readonly<Record<string, readonly string[]>> = {
  containers: ['name'],
  initContainers: ['name'],
  volumes: ['name'],
  env: ['name'],
  volumeMounts: ['mountPath'],
  volumeDevices: ['devicePath'],
  imagePullSecrets: ['name'],
  hostAliases: ['ip'],
  topologySpreadConstraints: ['topologyKey', 'whenUnsatisfiable'],
}

/** Keys with a default in the schema: an item without the key is the item with the default. */
export const keyDefaults: Readonly<Record<string, string>> = { protocol: 'TCP' }

/** Kinds with a pod template somewhere inside. */
const templated = new Set(['Deployment', 'StatefulSet', 'Job', 'CronJob', 'ReplicaSet'])

/** Where in an object a list or map stands: the kind, the first field of the way there, and the last. */
export interface FieldPlace {
  readonly kind: string
  readonly top: string
  readonly field: string
}

/** Keys by which the list at a place is merged; undefined for atomic lists. Custom resources declare none among the kinds we apply. */
export const listKeys = ({ kind, top, field }: FieldPlace): readonly string[] | undefined => {
  if (top === 'metadata') return field === 'ownerReferences' ? ['uid'] : undefined
  if (kind === 'Service') return field === 'ports' ? ['port', 'protocol'] : undefined
  if (kind === 'ServiceAccount') return field === 'imagePullSecrets' ? ['name'] : undefined
  if (!templated.has(kind)) return undefined
  if (field === 'ports') return ['containerPort', 'protocol']
  return podLists[field]
}

/** Lists whose items are a set: ours must be there, others may be, too. */
export const isSet = ({ top, field }: FieldPlace): boolean => top === 'metadata' && field === 'finalizers'

/** Maps that have one owner for all keys: a key that somebody added is drift. */
export const isAtomicMap = ({ kind, field }: FieldPlace): boolean =>
  field === 'nodeSelector' || (field === 'selector' && kind === 'Service')

/** Fields below which strings are quantities. */
export const quantityFields: ReadonlySet<string> = new Set([
  'limits',
  'requests',
  'sizeLimit',
  'divisor',
  'averageValue',
  'capacity',
])
