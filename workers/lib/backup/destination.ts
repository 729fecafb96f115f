/**
 * A destination holds files under paths like `<namespace>/<system>/<backup>/manifest.json`. A file is there whole or not at all: what breaks
 * off half way leaves nothing under its path (a `.partial` file or an open multipart upload, which {@link Destination.removeUnfinished} takes
 * away). Every method rejects with a BackupError that says which of the usual troubles it is.
 */
import type { Readable } from 'node:stream'
import type { DestinationConfig } from './destination-config.ts'
import { openVolume } from './destination-volume.ts'

/** One file of a destination. */
export interface StoredFile {
  readonly path: string
  readonly bytes: number
  readonly modifiedAt: Date
}

/** Where backups lie. Paths are relative, with "/" between their parts. */
export interface Destination {
  /** Stores a stream under a path, over what was there. */
  put(path: string, body: Readable, signal: AbortSignal): Promise<{ readonly bytes: number }>
  /** Rejects with PartMissing when there is no such file. */
  get(path: string, signal: AbortSignal): Promise<Readable>
  /** All files whose path begins with `<prefix>/`, in the order of their paths; none when there is no such folder. */
  list(prefix: string, signal: AbortSignal): Promise<readonly StoredFile[]>
  /** Takes files away; those that are not there are passed over. */
  remove(paths: readonly string[], signal: AbortSignal): Promise<void>
  /** Takes away what puts that broke off have left below `<prefix>/`. */
  removeUnfinished(prefix: string, signal: AbortSignal): Promise<void>
  /** Bytes that are free, where that can be known. */
  freeBytes(): Promise<number | undefined>
  /** For people: which bucket or folder. */
  describe(): string
  close(): void
}

/** Opens a destination; nothing is asked of it yet. */
export const openDestination = async (config: DestinationConfig): Promise<Destination> =>
  's3' in config
    ? // Its library is only loaded where it is used: it takes some 30 MB.
      (await import('./destination-s3.ts')).openS3(config.s3)
    : openVolume(config.volume.folder)
