/** Finds a Secret that a Job would wait for in vain: the kubelet says so in Events only, and the Job would sit there until its deadline. */
import type { MountedKey } from '../../desired/job-secrets.ts'
import type { KubeClient } from '../../kube/client.ts'
import { kinds } from '../../kube/kinds.ts'
import { isNotFound } from '../../kube/kube-error.ts'
import { finding, type Finding } from '../errors.ts'

/** The first Secret or key that is not there; one request per Secret. */
export async function missingKeys(
  client: Pick<KubeClient, 'get'>,
  namespace: string,
  keys: readonly MountedKey[],
  signal: AbortSignal,
): Promise<Finding | undefined> {
  for (const [name, wanted] of Map.groupBy(keys, ({ secret }) => secret)) {
    const secret = await client.get(kinds.Secret, { namespace, name }, { signal }).catch((error: unknown) => {
      if (isNotFound(error)) return undefined
      throw error
    })
    const object = `Secret/${name}`
    if (secret === undefined) return finding('SecretMissing', object, 'does not exist, and spec.backup names it')
    const data = Object.keys(secret['data'] ?? {})
    const missing = wanted.map(({ key }) => key).filter((key) => !data.includes(key))
    if (missing.length > 0) {
      const has = data.length === 0 ? 'none' : data.join(', ')
      return finding(
        'SecretKeyMissing',
        object,
        `has no key ${missing.join(', ')}, which spec.backup names; it has ${has}`,
      )
    }
  }
  return undefined
}
