import { mkdir } from 'node:fs/promises'
import { buildah, builtImage } from '../images/builder.ts'
import type { BuiltImage } from '../images/builder.ts'
import { bundle } from '../images/bundle.ts'
import { productImages } from '../images/recipe.ts'
import type { ImageRecipe, ProductImage } from '../images/recipe.ts'
import { baseImageHashes, clusterImages, prepareBaseImages } from './base-images/recipes.ts'
import { commandLineTools } from './command-line-tools.ts'
import { ensureContainerd, importImage } from './containerd.ts'
import { ensureControlPlane } from './control-plane.ts'
import type { RunningControlPlane } from './control-plane.ts'
import { ensureControllers } from './controllers.ts'
import { ensureDapr } from './dapr.ts'
import { ensurePackages } from './debian-packages.ts'
import { ensureDns } from './dns.ts'
import { goPrograms } from './go-programs.ts'
import type { GoPrograms } from './go-programs.ts'
import { kafkaJars } from './kafka-jars.ts'
import { ensureKeda, hasKeda, kedaPrograms } from './keda.ts'
import { kubectlFor } from './kubectl.ts'
import type { Kubectl } from './kubectl.ts'
import { ensureMetricsServer } from './metrics-server.ts'
import { ensureNetworkPolicies } from './network-policy/index.ts'
import { ensureNetwork } from './network.ts'
import { ensureNode } from './node.ts'
import type { Progress } from './progress.ts'
import { settings } from './settings.ts'
import { cacheFolder } from './folders.ts'
import { recordFootprint } from './footprint.ts'
import { ensureVolumes } from './volumes/index.ts'

/** What a cluster need not have. */
export interface ClusterOptions {
  /** Whether to install KEDA. One that is there stays in any case, until `down`. */
  readonly keda: boolean
}

/** A cluster with DNS, volumes, NetworkPolicies, metrics and Dapr. */
export interface InstalledCluster extends Kubectl {
  readonly kubeconfigPath: string
  /** Whether KEDA runs. The external metrics API, of which a cluster has one, is then KEDA's. */
  readonly keda: boolean
}

/** A cluster one can install the product into. */
export interface FullCluster extends InstalledCluster {
  /** References of the product's images, present on the node. */
  readonly images: Readonly<Record<ProductImage, string>>
}

/**
 * Builds what is missing and starts what is not running: etcd to Dapr and the product's images, without the operator.
 * What has been done is found and left alone, so running it again after an interruption or crash at any point repairs
 * the rest. Images are built while the cluster starts.
 */
export async function ensureFullCluster(
  stateDir: string,
  progress: Progress,
  options: ClusterOptions,
): Promise<FullCluster> {
  const packages = progress.step('Debian packages', () => ensurePackages())
  const containerd = Promise.withResolvers<undefined>()
  const cluster = startLocalCluster(stateDir, progress, options, packages, () => containerd.resolve(undefined))
  cluster.catch((error: unknown) => containerd.reject(error))
  const product = packages.then(() => buildProductImages(progress))
  const imports = importInOrder(stateDir, progress, containerd.promise, product)
  // All are awaited whatever happens to the others: no build goes on behind an error message.
  const [started, built, imported] = await Promise.allSettled([cluster, product, imports])
  if (started.status === 'rejected') throw started.reason
  if (built.status === 'rejected') throw built.reason
  if (imported.status === 'rejected') throw imported.reason
  const references = Object.entries(built.value).map(([name, image]) => [name, image.reference])
  return { ...started.value, images: Object.fromEntries(references) as Record<ProductImage, string> }
}

/** One image after another: they share their lower layers, which the first one brings for all. */
async function importInOrder(
  stateDir: string,
  progress: Progress,
  containerd: Promise<undefined>,
  product: Promise<Readonly<Record<ProductImage, BuiltImage>>>,
): Promise<void> {
  const [images] = await Promise.all([product, containerd])
  await progress.step('import images', async () => {
    for (const image of Object.values(images)) await importImage(stateDir, image.reference, image.archive)
  })
}

/** The same without the product's images. */
export async function ensureLocalCluster(
  stateDir: string,
  progress: Progress,
  options: ClusterOptions,
): Promise<InstalledCluster> {
  return startLocalCluster(
    stateDir,
    progress,
    options,
    progress.step('Debian packages', () => ensurePackages()),
    () => undefined,
  )
}

async function startLocalCluster(
  stateDir: string,
  progress: Progress,
  options: ClusterOptions,
  packages: Promise<void>,
  onContainerd: () => void,
): Promise<InstalledCluster> {
  await mkdir(stateDir, { recursive: true, mode: 0o755 })
  await recordFootprint(stateDir)
  // What needs the network or the compiler runs side by side.
  const [programs] = await Promise.all([
    progress.step('Go programs: Kubernetes, etcd, metrics-server, Dapr, CoreDNS', (note) =>
      goPrograms((done, total) => note(`${done} of ${total} packages`)),
    ),
    packages.then(() => progress.step('kubectl and helm', () => commandLineTools())),
  ])
  const plane = await startNode(stateDir, programs, progress, onContainerd)
  const kubectl = await kubectlFor(plane.kubeconfigPath, stateDir)
  const [dapr, coredns] = await progress.step('images dapr and coredns', async () => {
    const images = await Promise.all([
      localImage(clusterImages.dapr(programs)),
      localImage(clusterImages.coredns(programs)),
    ])
    await Promise.all(images.map((image) => importImage(stateDir, image.reference, image.archive)))
    return images
  })
  await progress.step('CoreDNS, volumes and NetworkPolicies', () =>
    Promise.all([
      ensureDns(kubectl, coredns.reference),
      ensureVolumes(stateDir, plane.kubeconfigPath, kubectl),
      ensureNetworkPolicies(stateDir, plane.kubeconfigPath),
    ]),
  )
  await Promise.all([
    progress.step('Dapr control plane', () => ensureDapr(kubectl, { image: dapr.reference })),
    progress.step('metrics-server', () => ensureMetricsServer(stateDir, programs.folder, plane, kubectl)),
  ])
  const keda = options.keda || (await hasKeda(kubectl))
  if (keda) await progress.step('KEDA', (note) => installKeda(stateDir, plane, kubectl, note))
  return { ...kubectl, kubeconfigPath: plane.kubeconfigPath, keda }
}

async function installKeda(
  stateDir: string,
  plane: RunningControlPlane,
  kubectl: Kubectl,
  note: (text: string) => void,
): Promise<void> {
  const programs = await kedaPrograms((done, total) => note(`${done} of ${total} packages`))
  const image = await localImage(clusterImages.keda(programs))
  await importImage(stateDir, image.reference, image.archive)
  await ensureKeda(stateDir, plane, kubectl, image.reference)
}

async function startNode(
  stateDir: string,
  programs: GoPrograms,
  progress: Progress,
  onContainerd: () => void,
): Promise<RunningControlPlane> {
  const pause = await localImage(clusterImages.pause(programs))
  const [plane] = await Promise.all([
    progress.step('etcd and kube-apiserver', async () => {
      await ensureNetwork(stateDir)
      return ensureControlPlane({
        stateDir,
        programs: programs.folder,
        lifetime: 'Detached',
        address: settings.address,
        ports: settings.ports,
        serviceRange: settings.serviceRange,
        forPods: true,
        audit: true,
      })
    }),
    progress.step('containerd', async () => {
      await ensureContainerd(stateDir, pause.reference)
      await importImage(stateDir, pause.reference, pause.archive)
      onContainerd()
    }),
  ])
  await progress.step('kube-controller-manager, kube-scheduler, kubelet, kube-proxy', async () => {
    await ensureControllers(stateDir, programs.folder, plane)
    await ensureNode(stateDir, programs.folder, plane)
  })
  return plane
}

const builder = buildah()

async function localImage(recipe: ImageRecipe): Promise<BuiltImage> {
  return builtImage(builder, recipe, {}, () => Promise.resolve())
}

/** Builds the images of the product that have changed, side by side. */
export async function buildProductImages(progress: Progress): Promise<Readonly<Record<ProductImage, BuiltImage>>> {
  const hashes = await baseImageHashes()
  let bases: Promise<void> | undefined
  const prepare = (): Promise<void> =>
    (bases ??= progress.step('base images: Debian and Node', () => prepareBaseImages(builder)))
  const image = async (recipe: Promise<ImageRecipe> | ImageRecipe): Promise<BuiltImage> => {
    const settled = await recipe
    return progress.step(`image ${settled.name}`, () => builtImage(builder, settled, hashes, prepare))
  }
  const bundles = `${cacheFolder()}/bundles`
  const bundled = progress.step('bundle operator and workers', () => bundle(bundles))
  const inputs = bundled.then(() => ({ bundles }))
  const jars = progress.step('Kafka jars from Maven Central', () => kafkaJars())
  const [operator, workers, backup, kafka, postgresql, redis] = await Promise.all([
    image(inputs.then(productImages.operator)),
    image(inputs.then(productImages.workers)),
    image(inputs.then(productImages.backup)),
    image(jars.then((folder) => productImages.kafka({ kafkaJars: folder }))),
    image(productImages.postgresql()),
    image(productImages.redis()),
  ])
  const images = { operator, workers, backup, kafka, postgresql, redis }
  if (bases !== undefined) {
    // Housekeeping after a build: what is still in use stays, and that is fine.
    for (const built of Object.values(images)) await builder.keepOnly(built.reference).catch(() => undefined)
  }
  return images
}
