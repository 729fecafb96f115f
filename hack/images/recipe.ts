import { join } from 'node:path'
import { contentHash } from '../cluster/content-hash.ts'
import { repository } from '../cluster/folders.ts'

/** What one image is built from. */
export interface ImageRecipe {
  /** Short name, also that of its cache entry. */
  readonly name: string
  /** Fully qualified, without a tag: containerd expands short names and then wants to pull them. */
  readonly repository: string
  readonly dockerfile: string
  /** The build context: name inside it → file or folder on disk. */
  readonly context: Readonly<Record<string, string>>
  /** Images its Dockerfile starts from, by reference. */
  readonly bases: readonly string[]
}

/** What is made before the images and goes into them. */
export interface ImageInputs {
  /** Folder with operator/main.mjs, workers/*.mjs and backup/*.mjs (bundle.ts). */
  readonly bundles: string
  /** Folder with Kafka's jars. */
  readonly kafkaJars: string
}

/** Base images the product's Dockerfiles name. */
export const DEBIAN = 'docker.io/library/debian:12-slim'
export const NODE = 'docker.io/library/node:24-slim'

const folder = (name: string): string => join(repository, 'config/images', name)

/** The images of the product, from the Dockerfiles in config/images. */
export const productImages = {
  operator: (inputs: Pick<ImageInputs, 'bundles'>): ImageRecipe => ({
    ...product('operator', [NODE]),
    context: { operator: join(inputs.bundles, 'operator') },
  }),
  workers: (inputs: Pick<ImageInputs, 'bundles'>): ImageRecipe => ({
    ...product('workers', [NODE]),
    context: { workers: join(inputs.bundles, 'workers'), migrations: join(repository, 'workers/migrations') },
  }),
  backup: (inputs: Pick<ImageInputs, 'bundles'>): ImageRecipe => ({
    ...product('backup', [NODE]),
    context: { backup: join(inputs.bundles, 'backup'), migrations: join(repository, 'workers/migrations') },
  }),
  kafka: (inputs: Pick<ImageInputs, 'kafkaJars'>): ImageRecipe => ({
    ...product('kafka', [DEBIAN]),
    context: {
      lib: inputs.kafkaJars,
      ...files('kafka', ['bin', 'server.properties', 'log4j2.properties', 'log4j2-tools.properties']),
    },
  }),
  postgresql: (): ImageRecipe => ({
    ...product('postgresql', [DEBIAN]),
    context: files('postgresql', ['postgresql-entrypoint.sh', 'align-roles.sql']),
  }),
  redis: (): ImageRecipe => ({
    ...product('redis', [DEBIAN]),
    context: files('redis', ['redis-entrypoint.sh', 'redis.conf']),
  }),
} as const

/** Names of the product's images. */
export type ProductImage = keyof typeof productImages

const product = (name: string, bases: readonly string[]): Omit<ImageRecipe, 'context'> => ({
  name,
  repository: `docker.io/todochatbot/${name}`,
  dockerfile: join(folder(name), 'Dockerfile'),
  bases,
})

const files = (image: string, names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, join(folder(image), name)]))

/**
 * The tag of what the recipe builds now: `dev-` and the content hash of Dockerfile, context and base images. The same
 * tag is the same image, so nothing is ever rebuilt or pulled under a tag that exists.
 * @param baseHashes content hash of every base image, by reference.
 */
export async function imageTag(recipe: ImageRecipe, baseHashes: Readonly<Record<string, string>>): Promise<string> {
  const values = Object.fromEntries(recipe.bases.map((base) => [base, baseHashes[base] ?? 'upstream']))
  const hash = await contentHash({ values, files: { ...recipe.context, Dockerfile: recipe.dockerfile } })
  return `dev-${hash}`
}
