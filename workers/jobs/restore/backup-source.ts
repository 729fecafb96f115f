/** A backup as a restore reads it: its manifest, the chain of backups it builds on, and its parts as plain streams. */
import { openBackup } from '../../lib/backup/catalogue.ts'
import type { Destination } from '../../lib/backup/destination.ts'
import { BackupError } from '../../lib/backup/errors.ts'
import type { Manifest, Part } from '../../lib/backup/manifest.ts'
import { readPart, verifyPart } from '../../lib/backup/part.ts'
import { decodeRecords, decodeState } from '../../lib/backup/records.ts'
import type { StateEntry, StoredRecord } from '../../lib/backup/records.ts'
import type { Bytes } from '../../lib/backup/streams.ts'
import type { Throttle } from '../../lib/backup/throttle.ts'
import { RestoreError } from './errors.ts'

/** Longest chain of incremental backups that is followed: a year of daily ones. */
const longestChain = 400

/** One backup of the chain. */
interface Link {
  readonly path: string
  readonly manifest: Manifest
  readonly manifestSha256: string
}

/** What opening works with. */
export interface OpenSource {
  readonly destination: Destination
  readonly path: string
  /** PEM; undefined: signatures are ignored. */
  readonly publicKey: string | undefined
  readonly identities: readonly string[] | undefined
  readonly throttle: Throttle
  readonly signal: AbortSignal
  readonly onBytes?: (bytes: number) => void
}

/** See the header of this file. */
export interface BackupSource {
  readonly manifest: Manifest
  readonly manifestSha256: string
  /** Stored bytes of the parts that a restore reads, by kind. */
  readonly bytes: Readonly<Record<'all' | 'Database' | 'Records', number>>
  /** Reads every part to its end and holds it against the manifests. @throws BackupError PartCorrupt, PartMissing */
  readonly verify: () => Promise<void>
  readonly dump: () => Bytes
  /** Records of a partition in the order of their offsets, out of the base backups and this one. */
  readonly records: (alias: string, partition: number) => AsyncGenerator<StoredRecord>
  readonly state: () => AsyncGenerator<StateEntry>
  /** First offset that the chain holds of a partition. */
  readonly startOf: (alias: string, partition: number) => number
}

/** Opens a backup with everything it builds on. @throws BackupError, RestoreError Incomplete */
export const openSource = async (options: OpenSource): Promise<BackupSource> => {
  const { destination, identities, throttle, signal, onBytes } = options
  const chain = await openChain(options)
  const newest = chain[chain.length - 1]
  if (newest === undefined) throw new RestoreError('Incomplete', 'the backup has no manifest')
  const database = newest.manifest.parts.find(({ kind }) => kind === 'Database')
  if (database === undefined) throw new RestoreError('Incomplete', `${newest.path} holds no database`)
  const reading = (link: Link, part: Part) => ({
    destination,
    folder: link.path,
    part,
    identities,
    throttle,
    signal,
    ...(onBytes === undefined ? {} : { onBytes }),
  })
  const recordParts = (alias: string, partition: number): (readonly [Link, Part])[] =>
    chain.flatMap((link) =>
      link.manifest.parts
        .filter((part) => part.kind === 'Records' && part.alias === alias && part.partition === partition)
        .map((part) => [link, part] as const),
    )
  const used = chain.flatMap((link) =>
    link.manifest.parts
      .filter(({ kind }) => link === newest || kind === 'Records')
      .map((part) => [link, part] as const),
  )
  return {
    manifest: newest.manifest,
    manifestSha256: newest.manifestSha256,
    bytes: {
      all: bytesOf(used),
      Database: database.bytes,
      Records: bytesOf(used.filter(([, { kind }]) => kind === 'Records')),
    },
    verify: async () => {
      for (const [link, part] of used) await verifyPart(reading(link, part))
    },
    dump: () => readPart(reading(newest, database)),
    records: async function* (alias, partition) {
      for (const [link, part] of recordParts(alias, partition)) yield* decodeRecords(readPart(reading(link, part)))
    },
    state: async function* () {
      for (const part of newest.manifest.parts.filter(({ kind }) => kind === 'State'))
        yield* decodeState(readPart(reading(newest, part)))
    },
    startOf: (alias, partition) => {
      const starts = chain.flatMap(({ manifest }) =>
        manifest.cut.topics
          .filter((topic) => topic.alias === alias)
          .flatMap(({ partitions }) => partitions.filter((one) => one.partition === partition))
          .map(({ start }) => start),
      )
      return starts.length === 0 ? 0 : Math.min(...starts)
    },
  }
}

const bytesOf = (parts: readonly (readonly [Link, Part])[]): number =>
  parts.reduce((total, [, { bytes }]) => total + bytes, 0)

/** From the oldest base to the backup itself. */
const openChain = async ({ destination, path, publicKey, signal }: OpenSource): Promise<readonly Link[]> => {
  const chain: Link[] = []
  let next: string | undefined = path
  let expected: string | undefined
  while (next !== undefined) {
    if (chain.length > longestChain)
      throw new RestoreError('Incomplete', `more than ${longestChain} backups build on each other`)
    const { manifest, manifestSha256 } = await openBackup(destination, next, { publicKey, signal })
    if (expected !== undefined && manifestSha256 !== expected)
      throw new BackupError(
        'BaseUnusable',
        `the manifest of ${next} is not the one that the backup after it was built on`,
      )
    chain.unshift({ path: next, manifest, manifestSha256 })
    next = manifest.base?.path
    expected = manifest.base?.manifestSha256
  }
  return chain
}
