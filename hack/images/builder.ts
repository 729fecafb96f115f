import { mkdir, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { cached } from '../cluster/build-cache.ts'
import { run, succeeds } from '../cluster/command.ts'
import { cacheFolder } from '../cluster/folders.ts'
import { withBuildContext } from './build-context.ts'
import { imageTag } from './recipe.ts'
import type { ImageRecipe } from './recipe.ts'

/** Builds images from Dockerfiles. */
export interface ImageBuilder {
  /** Builds a recipe under a full reference. */
  build(recipe: ImageRecipe, reference: string): Promise<void>
  has(reference: string): Promise<boolean>
  /** Gives an image a second reference. */
  tag(reference: string, alias: string): Promise<void>
  /** Writes a docker-archive: uncompressed, which imports faster than it would decompress. */
  save(reference: string, archive: string): Promise<void>
  /**
   * Forgets the other tags of an image; layers they share with it, and the cached ones below it, stay. Not beside a
   * build: it may take away a layer that the build has just found.
   */
  keepOnly(reference: string): Promise<void>
}

/** An image that was built: import `archive` and use `reference`. */
export interface BuiltImage {
  readonly reference: string
  readonly archive: string
}

/**
 * The archive of a recipe from the cache, built when its content has changed.
 * @param prepareBases makes the base images available to the builder; only called when something is built.
 */
export async function builtImage(
  builder: ImageBuilder,
  recipe: ImageRecipe,
  baseHashes: Readonly<Record<string, string>>,
  prepareBases: () => Promise<void>,
): Promise<BuiltImage> {
  const tag = await imageTag(recipe, baseHashes)
  const reference = `${recipe.repository}:${tag}`
  const folder = await cached(`images/${recipe.name}`, tag.slice('dev-'.length), async (draft) => {
    await prepareBases()
    await builder.build(recipe, reference)
    await builder.save(reference, join(draft, 'image.tar.part'))
    await rename(join(draft, 'image.tar.part'), join(draft, 'image.tar'))
  })
  return { reference, archive: join(folder, 'image.tar') }
}

/**
 * buildah, with its storage in the cache folder: layers that have not changed are not built again. `chroot`
 * isolation needs root but no container runtime.
 */
export function buildah(): ImageBuilder & { readonly discardContainers: () => Promise<void> } {
  const storage = join(cacheFolder(), 'buildah')
  const store = ['--root', join(storage, 'root'), '--runroot', join(storage, 'run'), '--storage-driver', 'overlay']
  const options = { env: { BUILDAH_ISOLATION: 'chroot' }, timeout: 15 * 60_000 }
  const buildahRun = async (args: readonly string[]): Promise<string> => {
    await mkdir(storage, { recursive: true })
    return run('buildah', [...store, ...args], options)
  }
  return {
    async build(recipe, reference) {
      await withBuildContext(recipe, (context) =>
        buildahRun([
          'build',
          '--layers',
          '--pull-never',
          '--format',
          'docker',
          '--timestamp',
          '0',
          '--tag',
          reference,
          context,
        ]),
      )
    },
    async discardContainers() {
      const used = await stat(join(storage, 'root')).catch(() => undefined)
      if (used) await succeeds('buildah', [...store, 'rm', '--all'], options)
    },
    has: (reference) => succeeds('buildah', [...store, 'inspect', '--type', 'image', reference], options),
    async tag(reference, alias) {
      await buildahRun(['tag', reference, alias])
    },
    async save(reference, archive) {
      await buildahRun(['push', '--quiet', reference, `docker-archive:${archive}:${reference}`])
    },
    async keepOnly(reference) {
      const tags = await buildahRun(['images', '--format', '{{.Name}}:{{.Tag}}'])
      await removeOthers(tags, reference, (tag) => buildahRun(['rmi', tag]))
    },
  }
}

/** Docker's own builder, for machines that have a Docker daemon; base images come from their registries. */
export function docker(): ImageBuilder {
  const options = { timeout: 15 * 60_000 }
  return {
    async build(recipe, reference) {
      await withBuildContext(recipe, (context) => run('docker', ['build', '--tag', reference, context], options))
    },
    has: (reference) => succeeds('docker', ['image', 'inspect', reference], options),
    async tag(reference, alias) {
      await run('docker', ['tag', reference, alias], options)
    },
    async save(reference, archive) {
      await run('docker', ['save', '--output', archive, reference], options)
    },
    async keepOnly(reference) {
      const tags = await run('docker', ['images', '--format', '{{.Repository}}:{{.Tag}}'], options)
      await removeOthers(tags, reference, (tag) => run('docker', ['rmi', tag], options))
    },
  }
}

async function removeOthers(tags: string, reference: string, remove: (tag: string) => Promise<string>): Promise<void> {
  const repository = reference.slice(0, reference.lastIndexOf(':'))
  const others = tags.split('\n').filter((tag) => tag.startsWith(`${repository}:`) && tag !== reference)
  for (const tag of others) await remove(tag)
}
