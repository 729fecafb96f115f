/**
 * Gives every claim of class `dev-folders` a folder on this machine: what local-path-provisioner does in kind. Started
 * by `up` as a process of its own: `node provisioner.ts <kubeconfig> <folder of the volumes>`.
 *
 * It compares what is with what should be, twice a second, from three lists: nothing is remembered, so nothing is
 * missed, and a crash between two writes is repaired by the next look. At the size of a dev cluster the lists cost less
 * than a watch that must be kept alive.
 */
import { chmod, mkdir, rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { ApiError, apiClient } from '../api-client.ts'
import type { ApiClient } from '../api-client.ts'
import { planVolumes } from './volume-plan.ts'
import type { Claim, StorageClass, Volume, VolumeAction } from './volume-plan.ts'

const INTERVAL = 500

async function list<T>(client: ApiClient, path: string): Promise<T[]> {
  return ((await client.call('GET', path)) as { readonly items: T[] }).items
}

async function perform(client: ApiClient, action: VolumeAction): Promise<void> {
  switch (action.type) {
    case 'Create':
      await mkdir(action.folder, { recursive: true })
      // The kubelet does not hand hostPath volumes to a pod's fsGroup, so whoever the pod runs as may write.
      await chmod(action.folder, 0o777)
      await client.call('POST', '/api/v1/persistentvolumes', action.volume)
      break
    case 'Delete':
      await rm(action.folder, { recursive: true, force: true })
      await client.call('DELETE', `/api/v1/persistentvolumes/${action.name}`)
      break
    case 'Expand': {
      const { namespace, name } = action.claim.metadata
      const merge = 'application/merge-patch+json'
      const capacity = { storage: action.storage }
      await client.call('PATCH', `/api/v1/persistentvolumes/${action.name}`, { spec: { capacity } }, merge)
      const claim = `/api/v1/namespaces/${namespace}/persistentvolumeclaims/${name}/status`
      await client.call('PATCH', claim, { status: { capacity, conditions: [] } }, merge)
    }
  }
}

async function provision(kubeconfigPath: string, root: string): Promise<never> {
  const client = await apiClient(kubeconfigPath)
  let lastError = ''
  for (;;) {
    try {
      const [classes, claims, volumes] = await Promise.all([
        list<StorageClass>(client, '/apis/storage.k8s.io/v1/storageclasses'),
        list<Claim>(client, '/api/v1/persistentvolumeclaims?resourceVersion=0'),
        list<Volume>(client, '/api/v1/persistentvolumes?resourceVersion=0'),
      ])
      for (const action of planVolumes(classes, claims, volumes, root)) {
        console.log(new Date().toISOString(), action.type, action.type === 'Create' ? action.folder : action.name)
        await perform(client, action).catch((error: unknown) => {
          // The lists may be a moment old: it exists or is gone already.
          if (!(error instanceof ApiError && (error.status === 409 || error.status === 404))) throw error
        })
      }
      lastError = ''
    } catch (error) {
      // The API server restarts in tests: say so once, look again.
      const message = error instanceof Error ? error.message : String(error)
      if (message !== lastError) console.error(new Date().toISOString(), message)
      lastError = message
    }
    await sleep(INTERVAL)
  }
}

const [kubeconfigPath, root] = process.argv.slice(2)
if (kubeconfigPath === undefined || root === undefined) {
  console.error('usage: node provisioner.ts <kubeconfig> <folder of the volumes>')
  process.exit(2)
}
process.on('SIGTERM', () => process.exit(0))
await provision(kubeconfigPath, root)
