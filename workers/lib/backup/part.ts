/** Parts of a backup: written and read as streams, whatever their size. Stages: source, zstd, age, checksum, throttle, destination. */
import { Readable } from 'node:stream'
import type { Destination } from './destination.ts'
import { decrypting, encrypting } from './encryption.ts'
import { BackupError } from './errors.ts'
import type { Part } from './manifest.ts'
import { compressing, decompressing, measuring } from './streams.ts'
import type { Bytes } from './streams.ts'
import type { Throttle } from './throttle.ts'
import { unthrottled } from './throttle.ts'

/** What {@link writePart} is told. */
export interface WritePart {
  readonly destination: Destination
  /** Folder of the backup. */
  readonly folder: string
  /** Path in it, without the `.age` that encryption adds. */
  readonly path: string
  readonly kind: Part['kind']
  readonly alias?: string
  readonly partition?: number
  readonly source: Bytes
  /** zstd level; undefined: the source is stored as it is. */
  readonly compressionLevel?: number
  /** Undefined: not encrypted. */
  readonly recipients?: readonly string[] | undefined
  readonly throttle?: Throttle
  readonly signal: AbortSignal
  /** Told of every chunk that goes to the destination. */
  readonly onBytes?: (bytes: number) => void
}

/** Writes one part and says what the manifest says of it. */
export const writePart = async (options: WritePart): Promise<Part> => {
  const { destination, folder, kind, alias, partition, source, compressionLevel, recipients, signal } = options
  const path = recipients === undefined ? options.path : `${options.path}.age`
  const plain = measuringBytes()
  const stored = measuring()
  let stream: Bytes = plain.stage(source)
  if (compressionLevel !== undefined) stream = compressing(stream, compressionLevel)
  if (recipients !== undefined) stream = encrypting(stream, recipients)
  stream = slowly(stored.stage(stream), options.throttle ?? unthrottled, signal, options.onBytes)
  await destination.put(`${folder}/${path}`, Readable.from(stream, { objectMode: false, signal }), signal)
  return {
    path,
    kind,
    ...(alias === undefined ? {} : { alias }),
    ...(partition === undefined ? {} : { partition }),
    bytes: stored.measure.bytes,
    sha256: stored.measure.sha256(),
    plainBytes: plain.bytes(),
  }
}

/** What {@link readPart} is told. */
export interface ReadPart {
  readonly destination: Destination
  /** Folder of the backup. */
  readonly folder: string
  readonly part: Part
  /** Needed for a part that is encrypted. */
  readonly identities?: readonly string[] | undefined
  readonly throttle?: Throttle
  readonly signal: AbortSignal
  readonly onBytes?: (bytes: number) => void
}

/**
 * The plain bytes of a part. Its checksum is known only at the end, so the stream ends with PartCorrupt when it does not hold: what must not
 * begin with a bad part calls {@link verifyPart} before.
 */
export async function* readPart(options: ReadPart): AsyncGenerator<Uint8Array> {
  const { part, identities = [] } = options
  let stream: Bytes = storedBytes(options)
  const encrypted = part.path.endsWith('.age')
  if (encrypted && identities.length === 0) throw new BackupError('KeyMissing', `${part.path} is encrypted`)
  if (encrypted) stream = decrypting(stream, identities)
  if (/\.zst(\.age)?$/.test(part.path)) stream = decompressing(stream)
  yield* stream
}

/** Reads a part to its end and compares it with the manifest, without decrypting or keeping anything. @throws BackupError PartCorrupt, PartMissing */
export const verifyPart = async (options: Omit<ReadPart, 'identities'>): Promise<void> => {
  const chunks = storedBytes(options)[Symbol.asyncIterator]()
  while ((await chunks.next()).done !== true);
}

async function* storedBytes(options: ReadPart): AsyncGenerator<Uint8Array> {
  const { destination, folder, part, throttle = unthrottled, signal, onBytes } = options
  const { measure, stage } = measuring()
  const body = await destination.get(`${folder}/${part.path}`, signal)
  try {
    yield* slowly(stage(body as Bytes), throttle, signal, onBytes)
  } finally {
    body.destroy()
  }
  if (measure.bytes !== part.bytes)
    throw new BackupError('PartCorrupt', `${part.path} has ${measure.bytes} bytes and not ${part.bytes}`)
  const sha256 = measure.sha256()
  if (sha256 !== part.sha256)
    throw new BackupError('PartCorrupt', `${part.path} has SHA-256 ${sha256} and not ${part.sha256}`)
}

async function* slowly(
  source: Bytes,
  throttle: Throttle,
  signal: AbortSignal,
  onBytes: ((bytes: number) => void) | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    signal.throwIfAborted()
    await throttle.take(chunk.length, signal)
    onBytes?.(chunk.length)
    yield chunk
  }
}

const measuringBytes = (): { bytes: () => number; stage: (source: Bytes) => Bytes } => {
  let bytes = 0
  return {
    bytes: () => bytes,
    stage: async function* (source) {
      for await (const chunk of source) {
        bytes += chunk.length
        yield chunk
      }
    },
  }
}
