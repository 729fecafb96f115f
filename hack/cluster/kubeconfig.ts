import { readFile } from 'node:fs/promises'
import type { KeyPair } from './certificates.ts'

/**
 * A kubeconfig with one cluster and one user, as JSON (which is YAML). Keys and certificates are embedded, so the
 * file works wherever it is copied to.
 * @param server for example https://127.0.0.1:6443
 */
export async function kubeconfig(server: string, authority: KeyPair, user: string, identity: KeyPair): Promise<string> {
  const base64 = async (path: string): Promise<string> => (await readFile(path)).toString('base64')
  return JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        { name: 'dev', cluster: { server, 'certificate-authority-data': await base64(authority.certificate) } },
      ],
      users: [
        {
          name: user,
          user: {
            'client-certificate-data': await base64(identity.certificate),
            'client-key-data': await base64(identity.key),
          },
        },
      ],
      contexts: [{ name: 'dev', context: { cluster: 'dev', user } }],
      'current-context': 'dev',
    },
    null,
    2,
  )
}
