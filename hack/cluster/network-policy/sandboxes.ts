import { watch } from 'node:fs'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Pod } from './resources.ts'

/**
 * Addresses of pods as the node knows them: CNI writes one file for each sandbox it has wired, before the first
 * container starts in it. The API server learns the address up to a second later, and until then a new pod would be
 * free of the policies that select it.
 */
export interface Sandboxes {
  /** Reads what is new. @returns addresses by the UID of the pod. */
  addresses(): Promise<ReadonlyMap<string, string>>
}

/** Where libcni keeps the results of its plugins. */
export const CNI_RESULTS = '/var/lib/cni/results'

interface CachedResult {
  readonly cniArgs?: readonly (readonly [string, string])[]
  readonly result?: { readonly ips?: readonly { readonly address: string }[] }
}

/**
 * @param network name of the CNI network, with which the files' names begin
 * @param onChange called when a sandbox comes or goes
 */
export async function watchSandboxes(folder: string, network: string, onChange: () => void): Promise<Sandboxes> {
  await mkdir(folder, { recursive: true })
  watch(folder, onChange)
  const known = new Map<string, { readonly uid: string; readonly address: string }>()
  return {
    async addresses() {
      const names = (await readdir(folder)).filter((name) => name.startsWith(`${network}-`))
      for (const name of known.keys()) if (!names.includes(name)) known.delete(name)
      for (const name of names.filter((one) => !known.has(one))) {
        const sandbox = parseResult(await readFile(join(folder, name), 'utf8').catch(() => ''))
        if (sandbox) known.set(name, sandbox)
      }
      return new Map([...known.values()].map(({ uid, address }) => [uid, address]))
    },
  }
}

/** Undefined for a file that is being written, or that tells of something else. */
export function parseResult(text: string): { readonly uid: string; readonly address: string } | undefined {
  let cached: CachedResult
  try {
    cached = JSON.parse(text) as CachedResult
  } catch {
    // Half written: the rest of it is another change of the folder.
    return undefined
  }
  const uid = cached.cniArgs?.find(([name]) => name === 'K8S_POD_UID')?.[1]
  const address = cached.result?.ips?.[0]?.address.split('/')[0]
  return uid === undefined || address === undefined ? undefined : { uid, address }
}

/** Pods with the addresses their sandboxes have, where those are known. */
export function withSandboxAddresses(pods: readonly Pod[], addresses: ReadonlyMap<string, string>): Pod[] {
  return pods.map((pod) => {
    const podIP = addresses.get(pod.metadata.uid)
    return podIP === undefined || podIP === pod.status?.podIP ? pod : { ...pod, status: { ...pod.status, podIP } }
  })
}
