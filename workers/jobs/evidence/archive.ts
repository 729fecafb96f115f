/**
 * A tar.gz on a volume that appears under its name only when it is whole: it is written beside it, flushed to the disk and renamed. Each file
 * has a checksum in manifest.json, the archive as a whole has one in `<archive>.sha256` (the form `sha256sum -c` reads) and in the report.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rename, rm, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { once } from 'node:events'
import { createGzip } from 'node:zlib'
import { tarEnd, tarHeader, tarPadding } from './tar.ts'

/** One file of an archive, as its manifest lists it. */
export interface ArchivedFile {
  readonly path: string
  /** Kind of evidence. */
  readonly what: string
  readonly bytes: number
  readonly sha256: string
  /** Only the newest part fitted. */
  readonly truncated?: true
}

/** An archive that is being written. */
export interface Archive {
  readonly files: readonly ArchivedFile[]
  /**
   * Adds a file, cut to what the limits leave: of a log (`keep: 'end'`) the newest bytes stay, of anything else the first. Returns false when
   * nothing fits any more.
   */
  add: (file: {
    readonly path: string
    readonly what: string
    readonly text: string
    readonly truncated?: boolean
    readonly keep?: 'start' | 'end'
  }) => Promise<boolean>
  /** Writes the manifest, closes the archive and gives it its name. */
  finish: (manifest: (files: readonly ArchivedFile[]) => object) => Promise<{ bytes: number; sha256: string }>
}

/** What an archive is written with. */
export interface ArchiveOptions {
  /** Path of the finished archive. */
  readonly path: string
  /** Folder inside the archive that holds everything. */
  readonly root: string
  readonly fileBytes: number
  readonly totalBytes: number
  /** ms since the epoch, time of every file. */
  readonly now: number
}

/** Opens an archive. Rejects when the volume cannot be written. */
export const createArchive = async (options: ArchiveOptions): Promise<Archive> => {
  const { path, root, fileBytes, totalBytes, now } = options
  const partial = `${path}.partial`
  const file = await open(partial, 'w', 0o640)
  const gzip = createGzip()
  const pumping = (async (): Promise<void> => {
    for await (const chunk of gzip as AsyncIterable<Buffer>) await file.writeFile(chunk)
  })()
  // Every write waits for it, so a failure is never unheard.
  pumping.catch(() => undefined)
  const files: ArchivedFile[] = []
  let left = totalBytes

  const write = async (bytes: Buffer): Promise<void> => {
    if (bytes.length > 0 && !gzip.write(bytes)) await Promise.race([once(gzip, 'drain'), pumping])
  }
  const put = async (name: string, bytes: Buffer): Promise<void> => {
    await write(tarHeader(`${root}/${name}`, bytes.length, Math.floor(now / 1000)))
    await write(bytes)
    await write(tarPadding(bytes.length))
  }

  return {
    files,
    add: async ({ path: name, what, text, truncated = false, keep = 'start' }) => {
      const whole = Buffer.from(text)
      const room = Math.min(fileBytes, left)
      if (room <= 0) return false
      const fits = whole.length <= room
      const bytes = fits ? whole : keep === 'end' ? whole.subarray(whole.length - room) : whole.subarray(0, room)
      await put(name, bytes)
      left -= bytes.length
      files.push({
        path: name,
        what,
        bytes: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
        ...(fits && !truncated ? {} : { truncated: true }),
      })
      return true
    },
    finish: async (manifest) => {
      try {
        await put('manifest.json', Buffer.from(`${JSON.stringify(manifest(files), undefined, 2)}\n`))
        await write(tarEnd)
        gzip.end()
        await pumping
        await file.sync()
        await file.close()
      } catch (error) {
        await rm(partial, { force: true })
        throw error
      }
      const sum = await sha256Of(partial)
      await writeFile(`${path}.sha256`, `${sum.sha256}  ${basename(path)}\n`)
      await rename(partial, path)
      return sum
    },
  }
}

const sha256Of = async (path: string): Promise<{ bytes: number; sha256: string }> => {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    bytes += chunk.length
  }
  return { bytes, sha256: hash.digest('hex') }
}
