import { createHash } from 'node:crypto'
import { readdir, readFile, readlink, lstat } from 'node:fs/promises'
import { join } from 'node:path'

/** What identifies a build: named texts (versions, flags, other hashes) and files or folders by content. */
export interface HashInput {
  /** Name → value; order does not matter. */
  readonly values?: Readonly<Record<string, string>>
  /** Files or folders, by the name they have inside the build → path on disk. */
  readonly files?: Readonly<Record<string, string>>
}

/**
 * SHA-256 over everything that decides what a build produces, as 16 hexadecimal digits. Two machines, checkouts or
 * users get the same hash for the same content: paths on disk, times and owners are left out, names and the
 * executable bit are in.
 */
export async function contentHash(input: HashInput): Promise<string> {
  const hash = createHash('sha256')
  for (const [name, value] of Object.entries(input.values ?? {}).sort(byName)) {
    hash.update(JSON.stringify(['value', name, value]))
  }
  for (const [name, path] of Object.entries(input.files ?? {}).sort(byName)) {
    await addPath(hash, name, path)
  }
  return hash.digest('hex').slice(0, 16)
}

const byName = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : a > b ? 1 : 0)

async function addPath(hash: ReturnType<typeof createHash>, name: string, path: string): Promise<void> {
  const info = await lstat(path)
  if (info.isSymbolicLink()) {
    hash.update(JSON.stringify(['link', name, await readlink(path)]))
  } else if (info.isDirectory()) {
    hash.update(JSON.stringify(['folder', name]))
    for (const entry of (await readdir(path)).sort()) await addPath(hash, `${name}/${entry}`, join(path, entry))
  } else {
    const content = await readFile(path)
    hash.update(JSON.stringify(['file', name, (info.mode & 0o100) !== 0, content.length]))
    hash.update(content)
  }
}
