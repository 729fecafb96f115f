import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheFolder } from './folders.ts'
import { waitFor } from './waiting.ts'

/** Entries of one kind that are kept; older ones go when a new one is built. */
const KEPT = 3

/**
 * The folder `<cache>/<kind>/<hash>`, built by `build` when it is not there yet.
 *
 * A build writes into a draft that is renamed when it is complete, so an entry is whole or absent whatever interrupts
 * it. A second process that wants the same entry waits for the first instead of building it again.
 * @param timeout ms to wait for another process that builds the same entry.
 */
export async function cached(
  kind: string,
  hash: string,
  build: (folder: string) => Promise<void>,
  timeout = 30 * 60_000,
): Promise<string> {
  const folder = join(cacheFolder(), kind, hash)
  if (await isFolder(folder)) {
    const now = new Date()
    await utimes(folder, now, now)
    return folder
  }
  await mkdir(join(cacheFolder(), kind), { recursive: true })
  const draft = `${folder}.draft`
  const lock = `${folder}.lock`
  await waitFor(`the build of ${kind} by another process`, () => takeLock(lock), { timeout, interval: 500 })
  try {
    if (await isFolder(folder)) return folder
    await rm(draft, { recursive: true, force: true })
    await mkdir(draft)
    await build(draft)
    await rename(draft, folder)
  } finally {
    await rm(draft, { recursive: true, force: true })
    await rm(lock, { recursive: true, force: true })
  }
  await dropOldEntries(join(cacheFolder(), kind))
  return folder
}

/** A folder as lock: making it is atomic. It names its owner, so the lock of a process that died is taken over. */
async function takeLock(lock: string): Promise<true | undefined> {
  try {
    await mkdir(lock)
    await writeFile(join(lock, 'pid'), String(process.pid))
    return true
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
  const owner = await readFile(join(lock, 'pid'), 'utf8').catch(() => '')
  const made = await stat(lock).catch(() => undefined)
  const justMade = owner === '' && made !== undefined && Date.now() - made.mtimeMs < 5_000
  if (!justMade && !(await isFolder(`/proc/${owner === '' ? 'none' : owner}`))) {
    await rm(lock, { recursive: true, force: true })
  }
  return undefined
}

async function dropOldEntries(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => /^[0-9a-f]{16}$/.test(name))
  const entries = await Promise.all(
    names.map(async (name) => ({ name, usedAt: (await stat(join(folder, name))).mtimeMs })),
  )
  entries.sort((a, b) => b.usedAt - a.usedAt)
  for (const entry of entries.slice(KEPT)) await rm(join(folder, entry.name), { recursive: true, force: true })
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  )
}
