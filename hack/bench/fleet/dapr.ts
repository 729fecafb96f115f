import type { ApiClient } from '../../cluster/api-client.ts'

const namespace = 'dapr-system'

/** Deployments in the place of Dapr's control plane, so that the operator finds it well: a failed check is looked at again every minute. */
export async function installDaprControlPlane(client: ApiClient): Promise<void> {
  await client.call('POST', '/api/v1/namespaces', { metadata: { name: namespace } })
  // Nobody makes it where only a control plane runs, and pods are refused without it.
  await client.call('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: 'default' } })
  for (const app of ['dapr-operator', 'dapr-sentry', 'dapr-sidecar-injector', 'dapr-placement-server']) {
    const labels = { app }
    await client.call('POST', `/apis/apps/v1/namespaces/${namespace}/deployments`, {
      metadata: { name: app, labels },
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: app, image: 'dapr' }] } },
      },
    })
  }
}
