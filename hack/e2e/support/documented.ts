import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'

/** What a page of docs/ has an admin apply: as written there, so that a page that is wrong fails its test. */
export interface Documented {
  readonly metadata?: { readonly name: string }
  readonly spec: Readonly<Record<string, unknown>>
}

/** The first YAML block under a heading of a page. @throws Error when there is none */
export async function documented(page: string, heading: string): Promise<Documented> {
  const text = await readFile(join(import.meta.dirname, '../../../docs', page), 'utf8')
  const section = text.split(/^#+ /m).find((one) => one.startsWith(`${heading}\n`))
  const block = /```yaml\n([^]*?)```/.exec(section ?? '')?.[1]
  if (block === undefined) throw new Error(`docs/${page} has no YAML under "${heading}"`)
  return parse(block) as Documented
}
