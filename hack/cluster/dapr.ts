import { join } from 'node:path'
import { goModuleFolder } from './go-programs.ts'
import type { Kubectl } from './kubectl.ts'

/** Where Dapr's images come from: one local image that holds every program, or a tag of Dapr's own registry. */
export type DaprImages = { readonly image: string } | { readonly tag: string }

/** Installs Dapr from the chart inside its own Go module, or brings an older installation to it, and waits until it is ready. */
export async function ensureDapr(cluster: Kubectl, images: DaprImages): Promise<void> {
  const chart = join(await goModuleFolder('github.com/dapr/dapr'), 'charts/dapr')
  const values = [
    'global.imagePullPolicy=IfNotPresent',
    'global.scheduler.enabled=false',
    RESTRICTED,
    ...imageValues(images),
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

/** Sidecars drop all capabilities: without it worker pods are refused in namespaces that enforce Pod Security `restricted`. */
const RESTRICTED = 'dapr_sidecar_injector.sidecarDropALLCapabilities=true'

function imageValues(images: DaprImages): string[] {
  if ('tag' in images) return ['global.registry=ghcr.io/dapr', `global.tag=${images.tag}`]
  const keys = ['dapr_operator', 'dapr_sentry', 'dapr_placement', 'dapr_sidecar_injector'].map(
    (name) => `${name}.image.name`,
  )
  // A name with a slash is taken as a whole reference.
  return [...keys, 'dapr_sidecar_injector.injectorImage.name'].map((key) => `${key}=${images.image}`)
}

/**
 * helm refuses to touch a release whose last operation was interrupted ("another operation is in progress"). Its
 * record is a Secret: without the pending one, the release is as it was before.
 */
export async function repairRelease(cluster: Kubectl, release: string, namespace: string): Promise<void> {
  const pending = `owner=helm,name=${release},status in (pending-install,pending-upgrade,pending-rollback)`
  await cluster.kubectl(['-n', namespace, 'delete', 'secret', '--ignore-not-found', '-l', pending])
}
