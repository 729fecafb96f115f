import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { repository } from '../cluster/folders.ts'

/**
 * The environment that an image of config/images gives its program, so that the memory measured is the memory shipped.
 * @throws Error when the Dockerfile has no ENV line
 */
export async function imageEnvironment(image: string): Promise<Readonly<Record<string, string>>> {
  const dockerfile = await readFile(join(repository, 'config/images', image, 'Dockerfile'), 'utf8')
  const environment = environmentOf(dockerfile)
  if (Object.keys(environment).length === 0) throw new Error(`config/images/${image}/Dockerfile sets no environment`)
  return environment
}

/** The variables of all ENV lines of a Dockerfile, in Docker's `NAME=value NAME="a value"` form. */
export function environmentOf(dockerfile: string): Readonly<Record<string, string>> {
  const lines = dockerfile.replaceAll('\\\n', ' ').matchAll(/^ENV (.*)$/gm)
  const pairs = [...lines].flatMap(([, line = '']) => [...line.matchAll(/(\w+)=(?:"([^"]*)"|(\S*))/g)])
  return Object.fromEntries(pairs.map(([, name = '', quoted, plain]) => [name, quoted ?? plain ?? '']))
}
