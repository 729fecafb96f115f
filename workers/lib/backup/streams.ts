/** Stages of a stream of bytes. Each pulls from the one before it, so nothing is read faster than it is written. */
import { createHash } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib'
import { BackupError, wordsOf } from './errors.ts'

/** Bytes that come one chunk after another. */
export type Bytes = AsyncIterable<Uint8Array>

/** Sends a stream through one of Node's transforms; an error of either comes out. */
export async function* through(source: Bytes, transform: Duplex): AsyncGenerator<Uint8Array> {
  const feeding = pipeline(source, transform)
  // It is awaited below; without this a failure while the reader is busy would count as unheard.
  feeding.catch(() => undefined)
  try {
    yield* transform as AsyncIterable<Uint8Array>
    await feeding
  } finally {
    transform.destroy()
  }
}

/** Compresses with zstd (RFC 8878), with a checksum of the content. `level` 1 (fast) to 19 (small). */
export const compressing = (source: Bytes, level: number): Bytes =>
  through(
    source,
    createZstdCompress({
      chunkSize: 256 * 1024,
      params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 },
    }),
  )

/** The way back. @throws BackupError PartCorrupt */
export async function* decompressing(source: Bytes): AsyncGenerator<Uint8Array> {
  try {
    yield* through(source, createZstdDecompress({ chunkSize: 256 * 1024 }))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code?.startsWith('ZSTD_') !== true && code !== 'Z_BUF_ERROR') throw error
    throw new BackupError('PartCorrupt', `decompression failed: ${wordsOf(error)}`, { cause: error })
  }
}

/** What has passed a {@link measuring} stage. */
export interface Measure {
  bytes: number
  /** Hex; asked for once, at the end. */
  sha256(): string
}

/** Counts and hashes what passes. */
export const measuring = (): { readonly measure: Measure; readonly stage: (source: Bytes) => Bytes } => {
  const hash = createHash('sha256')
  const measure: Measure = { bytes: 0, sha256: () => hash.digest('hex') }
  return {
    measure,
    stage: async function* (source) {
      for await (const chunk of source) {
        hash.update(chunk)
        measure.bytes += chunk.length
        yield chunk
      }
    },
  }
}

/** Reads a stream to its end; rejects with ManifestInvalid when it has more than `limit` bytes. */
export const readAll = async (source: Bytes, limit: number): Promise<Buffer> => {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of source) {
    bytes += chunk.length
    if (bytes > limit) throw new BackupError('ManifestInvalid', `the file has more than ${limit} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
