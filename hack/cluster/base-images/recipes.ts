import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cached } from '../build-cache.ts'
import { run } from '../command.ts'
import { contentHash } from '../content-hash.ts'
import { repository } from '../folders.ts'
import type { GoPrograms } from '../go-programs.ts'
import type { ImageBuilder } from '../../images/builder.ts'
import { DEBIAN, NODE, imageTag } from '../../images/recipe.ts'
import type { ImageRecipe } from '../../images/recipe.ts'

const here = import.meta.dirname

/** Paths no container reads; Debian's own slim images leave them out too. */
const EXCLUDED = [
  '/usr/share/man/*',
  '/usr/share/info/*',
  '/usr/share/doc/*',
  '/usr/share/locale/*',
  '/usr/share/lintian/*',
]

/** apt keeps no downloads and no index caches in an image; Debian's own images are set up like this too. */
const APT_CONFIGURATION = [
  'Dir::Cache::pkgcache "";',
  'Dir::Cache::srcpkgcache "";',
  'Acquire::Languages "none";',
  'APT::Keep-Downloaded-Packages "false";',
  'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb"; };',
].join('\n')

/** What the root file system is made from; another release or variant makes another image. */
const ROOTFS = { release: 'bookworm', variant: 'minbase', revision: 2 }

/** Images that only stand in for those of a registry: the base images, and what the cluster itself runs in pods. */
export const clusterImages = {
  dapr: (programs: GoPrograms): ImageRecipe => {
    const names = ['operator', 'injector', 'sentry', 'placement', 'daprd']
    const links = names.map((name): [string, string] => [`programs/${name}`, join(programs.folder, name)])
    return local('dapr', { 'programs/dapr': join(programs.folder, 'dapr'), ...Object.fromEntries(links) })
  },
  coredns: (programs: GoPrograms): ImageRecipe => local('coredns', { coredns: join(programs.folder, 'coredns') }),
  pause: (programs: GoPrograms): ImageRecipe => local('pause', { pause: join(programs.folder, 'pause') }),
  /** @param programs folder of KEDA's programs */
  keda: (programs: string): ImageRecipe => local('keda', { programs }),
} as const

function local(name: string, context: Record<string, string>): ImageRecipe {
  const dockerfile = join(here, name, 'Dockerfile')
  return { name, repository: `docker.io/todochatbot-dev/${name}`, dockerfile, bases: [], context }
}

/** Content hashes of the stand-ins for Debian and Node, by the reference they stand in for. */
export async function baseImageHashes(): Promise<Readonly<Record<string, string>>> {
  const debian = await contentHash({
    values: { rootfs: JSON.stringify([ROOTFS, EXCLUDED, APT_CONFIGURATION]) },
    files: { Dockerfile: join(here, 'debian/Dockerfile') },
  })
  const node = await imageTag(nodeImage(), { [DEBIAN]: debian })
  return { [DEBIAN]: debian, [NODE]: node }
}

/** Builds the stand-ins the builder does not have and gives them the names the Dockerfiles use. */
export async function prepareBaseImages(builder: ImageBuilder): Promise<void> {
  const hashes = await baseImageHashes()
  const debian = `localhost/todochatbot-dev/debian:${hashes[DEBIAN] ?? ''}`
  if (!(await builder.has(debian))) {
    const rootfs = await debianRootFileSystem(hashes[DEBIAN] ?? '')
    const context = { 'rootfs.tar': join(rootfs, 'rootfs.tar') }
    await builder.build(
      { name: 'debian', repository: '', dockerfile: join(here, 'debian/Dockerfile'), context, bases: [] },
      debian,
    )
  }
  await builder.tag(debian, DEBIAN)
  const node = `localhost/todochatbot-dev/node:${hashes[NODE] ?? ''}`
  if (!(await builder.has(node))) await builder.build(nodeImage(), node)
  await builder.tag(node, NODE)
}

const nodeImage = (): ImageRecipe => ({
  name: 'node',
  repository: 'localhost/todochatbot-dev/node',
  dockerfile: join(here, 'node/Dockerfile'),
  context: { node: join(repository, 'node_modules/node/bin/node') },
  bases: [DEBIAN],
})

/** A minimal Debian from its package mirror, as a tar file in a cache folder. */
async function debianRootFileSystem(hash: string): Promise<string> {
  return cached('debian', hash, async (draft) => {
    await writeFile(join(draft, 'apt.conf'), `${APT_CONFIGURATION}\n`)
    const mirror = process.env['TODOCHATBOT_DEBIAN_MIRROR']
    await run(
      'mmdebstrap',
      [
        ...['--quiet', `--variant=${ROOTFS.variant}`, '--mode=root'],
        `--customize-hook=copy-in ${join(draft, 'apt.conf')} /etc/apt/apt.conf.d`,
        // What apt cached while the system was made: with the configuration above it no longer cleans that up itself.
        '--customize-hook=rm -f "$1"/var/cache/apt/*.bin "$1"/var/cache/apt/archives/*.deb',
        ...EXCLUDED.map((path) => `--dpkgopt=path-exclude=${path}`),
        ...[ROOTFS.release, join(draft, 'rootfs.tar'), ...(mirror === undefined ? [] : [mirror])],
      ],
      { timeout: 600_000, env: { SOURCE_DATE_EPOCH: '0' } },
    )
  })
}
