import { copyFile, cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheFolder } from '../cluster/folders.ts'
import type { ImageRecipe } from './recipe.ts'

/** Lays the build context of a recipe out in a folder of the cache, where a killed build may leave it, for as long as `use` runs. */
export async function withBuildContext<T>(recipe: ImageRecipe, use: (folder: string) => Promise<T>): Promise<T> {
  const contexts = join(cacheFolder(), 'contexts')
  await mkdir(contexts, { recursive: true })
  const folder = await mkdtemp(join(contexts, `${recipe.name}-`))
  try {
    for (const [name, source] of Object.entries(recipe.context)) {
      await mkdir(join(folder, name, '..'), { recursive: true })
      await cp(source, join(folder, name), { recursive: true, verbatimSymlinks: true })
    }
    await copyFile(recipe.dockerfile, join(folder, 'Dockerfile'))
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
