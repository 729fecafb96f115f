import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { kindOf, pathOf } from '../../../operator/src/kube/kinds.ts'
import type { ResourceKind } from '../../../operator/src/kube/kinds.ts'
import type { KubeObject } from '../../../operator/src/kube/object.ts'
import type { ApiClient } from '../../cluster/api-client.ts'
import { repository } from '../../cluster/folders.ts'

/** Where the operator is installed. */
export const operatorNamespace = 'todochatbot-system'

const clusterScoped = (kind: string, plural: string): ResourceKind => ({
  ...{ group: 'rbac.authorization.k8s.io', version: 'v1', kind, plural, namespaced: false },
})
const clusterKinds: Readonly<Record<string, ResourceKind>> = {
  ClusterRole: clusterScoped('ClusterRole', 'clusterroles'),
  ClusterRoleBinding: clusterScoped('ClusterRoleBinding', 'clusterrolebindings'),
}

/**
 * Installs the operator's service account with exactly the rules it ships with, and writes what the kubelet would mount
 * into its pod: the operator is measured with the credentials, rights and memory of a pod.
 * @returns the folder with token and ca.crt
 */
export async function installServiceAccount(
  client: ApiClient,
  kubeconfigPath: string,
  stateDir: string,
): Promise<string> {
  await client.call('POST', '/api/v1/namespaces', { metadata: { name: operatorNamespace } })
  for (const file of ['service-account.yaml', 'role.yaml', 'role-binding.yaml']) {
    const text = await readFile(join(repository, 'config/rbac', file), 'utf8')
    for (const document of parseAllDocuments(text)) {
      const object = document.toJS() as KubeObject
      const kind = clusterKinds[object.kind] ?? kindOf(object)
      await client.call('POST', pathOf(kind, { namespace: operatorNamespace }), object)
    }
  }
  const tokenPath = `/api/v1/namespaces/${operatorNamespace}/serviceaccounts/todochatbot-operator/token`
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 7200 } }
  const { status } = (await client.call('POST', tokenPath, request)) as { status: { token: string } }
  const kubeconfig = JSON.parse(await readFile(kubeconfigPath, 'utf8')) as {
    clusters: [{ cluster: { 'certificate-authority-data': string } }]
  }
  const folder = join(stateDir, 'service-account')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'token'), status.token, { mode: 0o600 })
  const authority = kubeconfig.clusters[0].cluster['certificate-authority-data']
  await writeFile(join(folder, 'ca.crt'), Buffer.from(authority, 'base64'))
  return folder
}
