import { join } from 'node:path'
import { goModuleFolder } from './go-programs.ts'
import type { Kubectl } from './kubectl.ts'

/** Installs Dapr from the chart inside its own Go module, or brings an older installation to it, and waits until it is ready. */
export async function ensureDapr(cluster: Kubectl, image: string): Promise<void> {
  const chart = join(await goModuleFolder('github.com/dapr/dapr'), 'charts/dapr')
  const name = (key: string): string => `${key}=${image}`
  const values = [
    ...['global.imagePullPolicy=IfNotPresent', 'global.scheduler.enabled=false'],
    // A name with a slash is taken as a whole reference: one image holds all programs.
    ...[name('dapr_operator.image.name'), name('dapr_sentry.image.name'), name('dapr_placement.image.name')],
    ...[name('dapr_sidecar_injector.image.name'), name('dapr_sidecar_injector.injectorImage.name')],
  ]
  await repairRelease(cluster, 'dapr', 'dapr-system')
  await cluster.helm(
    [
      'upgrade',
      '--install',
      'dapr',
      chart,
      '--namespace',
      'dapr-system',
      '--create-namespace',
      '--set',
      values.join(','),
    ],
    { timeout: 180_000 },
  )
  const workloads = ['deployment/dapr-sentry', 'deployment/dapr-operator', 'deployment/dapr-sidecar-injector']
  for (const workload of [...workloads, 'statefulset/dapr-placement-server']) {
    await cluster.kubectl(['-n', 'dapr-system', 'rollout', 'status', workload, '--timeout=120s'], { timeout: 130_000 })
  }
}

/**
 * helm refuses to touch a release whose last operation was interrupted ("another operation is in progress"). Its
 * record is a Secret: without the pending one, the release is as it was before.
 */
export async function repairRelease(cluster: Kubectl, release: string, namespace: string): Promise<void> {
  const pending = `owner=helm,name=${release},status in (pending-install,pending-upgrade,pending-rollback)`
  await cluster.kubectl(['-n', namespace, 'delete', 'secret', '--ignore-not-found', '-l', pending])
}
