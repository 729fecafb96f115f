import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { run, succeeds } from './command.ts'
import { ensureDapr } from './dapr.ts'
import { kubectlFor } from './kubectl.ts'
import { docker } from '../images/builder.ts'
import { bundle } from '../images/bundle.ts'
import { imageTag, productImages } from '../images/recipe.ts'
import type { ImageRecipe, ProductImage } from '../images/recipe.ts'
import { cacheFolder } from './folders.ts'
import type { FullCluster, InstalledCluster } from './full-cluster.ts'
import { goModuleVersion } from './go-programs.ts'
import { kafkaJars } from './kafka-jars.ts'
import type { Progress } from './progress.ts'
import { settings } from './settings.ts'

/** Name of the kind cluster; kind names its containers after it. */
const NAME = 'todochatbot-dev'

/** The Kubernetes of this project's other provider. */
const NODE_IMAGE = 'kindest/node:v1.35.0'

/** chat-api's node port is reached on this machine as it is without kind. */
const CONFIGURATION = {
  kind: 'Cluster',
  apiVersion: 'kind.x-k8s.io/v1alpha4',
  nodes: [
    {
      role: 'control-plane',
      extraPortMappings: [
        { containerPort: settings.ports.chatApi, hostPort: settings.ports.chatApi, listenAddress: '127.0.0.1' },
      ],
    },
  ],
}

/**
 * Makes the kind cluster and installs Dapr from its own images; finds what is there already.
 * @throws Error naming what is missing: kind, or a Docker daemon that answers.
 */
export async function ensureKind(stateDir: string, progress: Progress): Promise<InstalledCluster> {
  const missing = [
    ...((await succeeds('kind', ['version'])) ? [] : ['kind is not installed (https://kind.sigs.k8s.io)']),
    ...((await succeeds('docker', ['info'])) ? [] : ['no Docker daemon answers']),
  ]
  if (missing.length > 0) throw new Error(`--provider kind: ${missing.join('; ')}. Without them leave --provider out`)
  const kubeconfigPath = join(stateDir, 'admin.kubeconfig')
  await progress.step('kind cluster', async () => {
    await mkdir(stateDir, { recursive: true })
    const clusters = (await run('kind', ['get', 'clusters'])).split('\n')
    if (!clusters.includes(NAME)) {
      const create = ['create', 'cluster', '--name', NAME, '--image', NODE_IMAGE, '--config', '-', '--wait', '120s']
      await run('kind', create, { timeout: 600_000, input: JSON.stringify(CONFIGURATION) })
    }
    await run('kind', ['export', 'kubeconfig', '--name', NAME, '--kubeconfig', kubeconfigPath])
  })
  const cluster = await kubectlFor(kubeconfigPath, stateDir)
  await progress.step('Dapr control plane', async () =>
    ensureDapr(cluster, { tag: await goModuleVersion('github.com/dapr/dapr') }),
  )
  return { ...cluster, kubeconfigPath, keda: false }
}

/**
 * The same charts, manifests and Dockerfiles on kind: only base images, Dapr's images and the cluster itself come from
 * image registries instead of being built here.
 */
export async function ensureKindCluster(stateDir: string, progress: Progress): Promise<FullCluster> {
  const cluster = await ensureKind(stateDir, progress)
  return { ...cluster, images: await loadImages(progress) }
}

async function loadImages(progress: Progress): Promise<Readonly<Record<ProductImage, string>>> {
  const bundles = `${cacheFolder()}/bundles`
  const [jars] = await Promise.all([
    progress.step('Kafka jars from Maven Central', () => kafkaJars()),
    progress.step('bundle operator and workers', () => bundle(bundles)),
  ])
  const load = (recipe: ImageRecipe): Promise<string> =>
    progress.step(`image ${recipe.name}`, async () => {
      const reference = `${recipe.repository}:${await imageTag(recipe, {})}`
      const builder = docker()
      if (!(await builder.has(reference))) await builder.build(recipe, reference)
      await run('kind', ['load', 'docker-image', reference, '--name', NAME], { timeout: 300_000 })
      return reference
    })
  return {
    operator: await load(productImages.operator({ bundles })),
    workers: await load(productImages.workers({ bundles })),
    backup: await load(productImages.backup({ bundles })),
    kafka: await load(productImages.kafka({ kafkaJars: jars })),
    postgresql: await load(productImages.postgresql()),
    redis: await load(productImages.redis()),
  }
}

/** Removes the kind cluster, if there is one, and its state folder. */
export async function removeKindCluster(stateDir: string, progress: Progress): Promise<void> {
  await progress.step('remove the kind cluster', () => run('kind', ['delete', 'cluster', '--name', NAME]))
  await rm(stateDir, { recursive: true, force: true })
}
