import { copyFile, cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ImageRecipe } from './recipe.ts'

/** Lays the build context of a recipe out in a temporary folder for as long as `use` runs. */
export async function withBuildContext<T>(recipe: ImageRecipe, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), `todochatbot-image-${recipe.name}-`))
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
