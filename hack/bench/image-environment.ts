import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { repository } from '../cluster/folders.ts'

/**
 * The environment that an image of config/images gives its program, so that the memory measured is the memory shipped.
 * @param limit memory limit of its container, MiB: a bound on the heap that is a share of it becomes a number
 * @throws Error when the Dockerfile has no ENV line
 */
export async function imageEnvironment(image: string, limit?: number): Promise<Readonly<Record<string, string>>> {
  const dockerfile = await readFile(join(repository, 'config/images', image, 'Dockerfile'), 'utf8')
  const environment = environmentOf(dockerfile)
  if (Object.keys(environment).length === 0) throw new Error(`config/images/${image}/Dockerfile sets no environment`)
  return limit === undefined ? environment : withinLimit(environment, limit)
}

/** The memory limit of the operator in the values of its chart, MiB. */
export async function operatorMemoryLimit(): Promise<number> {
  const values = parse(await readFile(join(repository, 'charts/todochatbot-operator/values.yaml'), 'utf8')) as {
    readonly resources: { readonly limits: { readonly memory: string } }
  }
  return Number(/^(\d+)Mi$/.exec(values.resources.limits.memory)?.[1])
}

/** Outside of a container Node would take its share of the machine. */
export function withinLimit(environment: Readonly<Record<string, string>>, limit: number): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [
      name,
      value.replace(
        /--max-old-space-size-percentage=(\d+)/,
        (_, percent) => `--max-old-space-size=${Math.floor((limit * Number(percent)) / 100)}`,
      ),
    ]),
  )
}

/** The variables of all ENV lines of a Dockerfile, in Docker's `NAME=value NAME="a value"` form. */
export function environmentOf(dockerfile: string): Readonly<Record<string, string>> {
  const lines = dockerfile.replaceAll('\\\n', ' ').matchAll(/^ENV (.*)$/gm)
  const pairs = [...lines].flatMap(([, line = '']) => [...line.matchAll(/(\w+)=(?:"([^"]*)"|(\S*))/g)])
  return Object.fromEntries(pairs.map(([, name = '', quoted, plain]) => [name, quoted ?? plain ?? '']))
}
