/**
 * The key that manifests of a system are signed with: made once, kept like the data it vouches for. It has no owner, so that backups can be
 * verified after their system is gone, and a system of the same name goes on with it.
 */
import { generateKeyPairSync } from 'node:crypto'
import { claimLabels } from '../../api/v1alpha1/labels.ts'
import { names } from '../../api/v1alpha1/names.ts'
import type { TodoChatbot } from '../../api/v1alpha1/todochatbot.ts'
import type { KubeClient } from '../../kube/client.ts'
import { kinds } from '../../kube/kinds.ts'
import { hasReason, isNotFound } from '../../kube/kube-error.ts'

/** Makes the Secret `<system>-backup-signing` when it does not exist. */
export async function ensureSigningKey(
  client: KubeClient,
  { metadata: { name: system, namespace } }: Pick<TodoChatbot, 'metadata'>,
  fieldManager: string,
  signal: AbortSignal,
): Promise<void> {
  const name = names.backupSigningSecret(system)
  const there = await client.get(kinds.Secret, { namespace, name }, { signal }).catch((error: unknown) => {
    if (isNotFound(error)) return undefined
    throw error
  })
  if (there !== undefined) return
  const { privateKey, publicKey } = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace, labels: claimLabels(system, 'backup') },
    type: 'Opaque',
    stringData: { 'private.pem': privateKey, 'public.pem': publicKey },
  }
  await client.create(secret, { fieldManager, signal }).catch((error: unknown) => {
    if (!hasReason(error, 'AlreadyExists')) throw error
  })
}
