import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ensureAggregatedApi } from './aggregated-api.ts'
import { cached } from './build-cache.ts'
import { certificate } from './certificates.ts'
import { contentHash } from './content-hash.ts'
import type { RunningControlPlane } from './control-plane.ts'
import { goBuild } from './go-build.ts'
import { goModuleFolder } from './go-programs.ts'
import type { Kubectl } from './kubectl.ts'
import { settings } from './settings.ts'

const MODULE = join(import.meta.dirname, 'go-keda')
const KEDA = 'github.com/kedacore/keda/v2'
const PACKAGES = [`${KEDA}/cmd/operator`, `${KEDA}/cmd/adapter`]
const FLAGS = ['-trimpath', '-ldflags', '-s -w']

const NAMESPACE = 'keda'
const OPERATOR = 'keda-operator'
const ADAPTER = 'keda-metrics-apiserver'

/**
 * KEDA's programs, built or from the cache: six minutes of two cores the first time.
 * @param onProgress compiled packages and their approximate total.
 * @returns folder of `operator` and `adapter`
 */
export async function kedaPrograms(onProgress: (done: number, total: number) => void): Promise<string> {
  const files = Object.fromEntries(['go.mod', 'go.sum'].map((name) => [name, join(MODULE, name)]))
  const hash = await contentHash({ values: { flags: FLAGS.join(' ') }, files })
  return cached('go-keda', hash, (draft) =>
    goBuild({ module: MODULE, packages: PACKAGES, flags: FLAGS, output: draft, onProgress }),
  )
}

/**
 * Whether the API server serves KEDA's kinds. They come first, so an installation that was interrupted counts too: the operator writes
 * ScaledObjects from then on, and somebody has to act on them.
 */
export async function hasKeda(cluster: Kubectl): Promise<boolean> {
  const look = ['get', 'customresourcedefinition', 'scaledobjects.keda.sh', '--ignore-not-found', '--output=name']
  return (await cluster.kubectl(look)) !== ''
}

/** Installs KEDA, or brings an older one to it, and waits until it can scale. @param image reference, present on the node */
export async function ensureKeda(
  stateDir: string,
  plane: RunningControlPlane,
  cluster: Kubectl,
  image: string,
): Promise<void> {
  const [definitions, manifest, files] = await Promise.all([
    goModuleFolder(KEDA, MODULE).then((folder) => cluster.kubectl(['kustomize', join(folder, 'config/crd')])),
    readFile(join(import.meta.dirname, 'manifests/keda.yaml'), 'utf8'),
    certificateFiles(stateDir, plane),
  ])
  await cluster.apply(definitions)
  // KEDA ends when one of its kinds is missing.
  const established = ['wait', '--for=condition=Established', '--timeout=30s', '-f', '-']
  await cluster.kubectl(established, { input: definitions })
  await cluster.apply(
    manifest
      .replaceAll('${IMAGE}', image)
      .replaceAll('${AUTHORITY}', files.authority)
      .replaceAll('${CERTIFICATE}', files.certificate)
      .replaceAll('${KEY}', files.key),
  )
  for (const name of [OPERATOR, ADAPTER]) {
    const rollout = ['-n', NAMESPACE, 'rollout', 'status', `deployment/${name}`, '--timeout=120s']
    await cluster.kubectl(rollout, { timeout: 130_000 })
  }
  await ensureAggregatedApi(cluster, {
    group: 'external.metrics.k8s.io',
    version: 'v1beta1',
    service: { name: ADAPTER, namespace: NAMESPACE },
    authority: plane.authority,
  })
}

/** What the two programs show each other, and the adapter to kube-apiserver: one certificate in both names. Base64, as in a Secret. */
async function certificateFiles(
  stateDir: string,
  { authority }: RunningControlPlane,
): Promise<{ readonly authority: string; readonly certificate: string; readonly key: string }> {
  const hosts = [OPERATOR, ADAPTER].map((service) => `${service}.${NAMESPACE}.svc`)
  const names = hosts.flatMap((host) => [`DNS:${host}`, `DNS:${host}.${settings.clusterDomain}`])
  const own = await certificate(join(stateDir, 'pki'), 'keda', { commonName: 'keda', names }, authority)
  return {
    authority: await readFile(authority.certificate, 'base64'),
    certificate: await readFile(own.certificate, 'base64'),
    key: await readFile(own.key, 'base64'),
  }
}
