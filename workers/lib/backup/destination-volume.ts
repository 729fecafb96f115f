import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm, rmdir, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Destination, StoredFile } from './destination.ts'
import { BackupError, isBackupError, wordsOf } from './errors.ts'
import type { BackupErrorCode } from './errors.ts'

const partial = '.partial'

/** Codes of the operating system and what they mean for a destination. */
const codes: Readonly<Record<string, BackupErrorCode>> = {
  ENOENT: 'DestinationGone',
  ENOTDIR: 'DestinationGone',
  ENODEV: 'DestinationGone',
  ESTALE: 'DestinationGone',
  EROFS: 'DestinationReadOnly',
  EACCES: 'DestinationReadOnly',
  EPERM: 'DestinationReadOnly',
  ENOSPC: 'DestinationFull',
  EDQUOT: 'DestinationFull',
  EFBIG: 'DestinationFull',
}

/** A folder of a mounted volume. It must be there: a missing mount must not become a folder of the container. */
export const openVolume = (folder: string): Destination => {
  const failure = (what: string, error: unknown): unknown => {
    const { code, syscall } = error as NodeJS.ErrnoException
    if (isBackupError(error) || syscall === undefined || code === undefined) return error
    return new BackupError(codes[code] ?? 'DestinationFailed', `${what} in ${folder}: ${wordsOf(error)}`, {
      cause: error,
    })
  }
  const guard = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw failure(what, error)
    }
  }

  const write = async (path: string, body: Readable, signal: AbortSignal): Promise<{ bytes: number }> => {
    await stat(folder)
    const target = join(folder, path)
    await mkdir(dirname(target), { recursive: true, mode: 0o750 })
    const file = await open(target + partial, 'w', 0o640)
    let bytes = 0
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        signal.throwIfAborted()
        await file.writeFile(chunk)
        bytes += chunk.length
      }
      await file.sync()
      await file.close()
      await rename(target + partial, target)
      await syncFolder(dirname(target))
      return { bytes }
    } catch (error) {
      body.destroy()
      await file.close().catch(() => undefined)
      await rm(target + partial, { force: true })
      throw error
    }
  }

  const files = async (prefix: string): Promise<StoredFile[]> => {
    await stat(folder)
    const root = join(folder, prefix)
    const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    })
    const found = await Promise.all(
      entries
        .filter((entry) => entry.isFile())
        .map(async (entry): Promise<StoredFile | undefined> => {
          const full = join(entry.parentPath, entry.name)
          // Gone between the two looks: somebody else cleans up as well.
          const info = await stat(full).catch(() => undefined)
          if (info === undefined) return undefined
          return { path: full.slice(folder.length).replace(/^\/+/, ''), bytes: info.size, modifiedAt: info.mtime }
        }),
    )
    return found.filter((file) => file !== undefined).sort((a, b) => (a.path < b.path ? -1 : 1))
  }

  const remove = async (paths: readonly string[]): Promise<void> => {
    for (const path of paths) {
      await rm(join(folder, path), { force: true })
      await removeEmptyFolders(folder, dirname(path))
    }
  }

  return {
    put: (path, body, signal) => guard(`writing ${path}`, () => write(path, body, signal)),
    get: async (path, signal) =>
      guard(`reading ${path}`, async () => {
        await stat(folder)
        await stat(join(folder, path)).catch((error: unknown) => {
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
          throw new BackupError('PartMissing', `${path} is not in ${folder}`, { cause: error })
        })
        return createReadStream(join(folder, path), { signal, highWaterMark: 256 * 1024 })
      }),
    list: async (prefix) =>
      guard(`listing ${prefix}`, async () => (await files(prefix)).filter(({ path }) => !path.endsWith(partial))),
    remove: (paths) => guard('deleting', () => remove(paths)),
    removeUnfinished: async (prefix) =>
      guard('deleting what is unfinished', async () =>
        remove((await files(prefix)).map(({ path }) => path).filter((path) => path.endsWith(partial))),
      ),
    freeBytes: () =>
      guard('asking for free space', async () => {
        const { bavail, bsize } = await statfs(folder)
        return bavail * bsize
      }),
    describe: () => `the volume at ${folder}`,
    close: () => undefined,
  }
}

/** The rename itself must survive a crash of the node, too. */
const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const removeEmptyFolders = async (root: string, folder: string): Promise<void> => {
  for (let at = folder; at !== '.' && at !== '/'; at = dirname(at)) {
    try {
      await rmdir(join(root, at))
    } catch {
      // Not empty, or gone already: either way nothing above is to be removed.
      return
    }
  }
}
