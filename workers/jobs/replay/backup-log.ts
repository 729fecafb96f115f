/**
 * Records that Kafka does not keep any more, from the backups: of each partition the range below what Kafka holds, put together from as few
 * backups as it takes, newest first, because a newer one is the better witness. Nothing is taken from a part whose checksum does not hold.
 */
import { openBackup, readCatalogue } from '../../lib/backup/catalogue.ts'
import type { CataloguedBackup } from '../../lib/backup/catalogue.ts'
import type { Destination } from '../../lib/backup/destination.ts'
import { readPart, verifyPart } from '../../lib/backup/part.ts'
import { isBackupError } from '../../lib/backup/errors.ts'
import { decodeRecords } from '../../lib/backup/records.ts'
import type { Range } from '../../lib/kafka/ranges.ts'
import type { LogRecord } from './selection.ts'

/** A piece of a range, and the backup that has it. `to` is not included. */
export interface Piece {
  readonly path: string
  readonly from: number
  readonly to: number
}

/** What one backup holds of one partition: [start, end). */
export interface Holding {
  readonly path: string
  readonly start: number
  readonly end: number
}

/** Covers [from, to) with holdings, earlier ones of the list preferred. Pieces are in order and do not overlap; `lacking` is what nobody has. */
export const cover = (
  { from, to }: { readonly from: number; readonly to: number },
  holdings: readonly Holding[],
): { readonly pieces: readonly Piece[]; readonly lacking: number } => {
  let open = [{ from, to }].filter((range) => range.from < range.to)
  const pieces: Piece[] = []
  for (const { path, start, end } of holdings) {
    open = open.flatMap((range) => {
      const piece = { path, from: Math.max(range.from, start), to: Math.min(range.to, end) }
      if (piece.from >= piece.to) return [range]
      pieces.push(piece)
      return [
        { from: range.from, to: piece.from },
        { from: piece.to, to: range.to },
      ].filter((rest) => rest.from < rest.to)
    })
  }
  return {
    pieces: pieces.toSorted((a, b) => a.from - b.from),
    lacking: open.reduce((total, range) => total + range.to - range.from, 0),
  }
}

/** What {@link readBackups} is told. */
export interface ReadBackups {
  readonly destination: Destination
  readonly namespace: string
  readonly system: string
  /** PEM; a backup whose signature does not hold is not used. Undefined: signatures are not checked. */
  readonly publicKey?: string | undefined
  readonly identities?: readonly string[] | undefined
  readonly ranges: readonly (Range & { readonly alias: string })[]
  readonly signal: AbortSignal
  readonly take: (records: readonly LogRecord[]) => Promise<void>
}

/** Records handed over at once. */
const chunk = 500

/** Reads; answers what no backup holds. */
export const readBackups = async (
  options: ReadBackups,
): Promise<readonly { readonly what: string; readonly why: string }[]> => {
  const { destination, namespace, system, publicKey, ranges, signal } = options
  const missing: { what: string; why: string }[] = []
  const { backups, unreadable } = await readCatalogue(destination, { namespace, system }, signal)
  for (const { path, why } of unreadable) missing.push({ what: path, why })
  const usable: Omit<CataloguedBackup, 'bytes'>[] = []
  for (const { path } of backups.toReversed()) {
    try {
      usable.push(await openBackup(destination, path, { publicKey, signal }))
    } catch (error) {
      signal.throwIfAborted()
      missing.push({ what: path, why: error instanceof Error ? error.message : String(error) })
    }
  }
  for (const range of ranges) {
    const holdings = usable.flatMap((backup) => holdingsOf(backup, range))
    const { pieces, lacking } = cover({ from: range.start, to: range.end }, holdings)
    if (lacking > 0)
      missing.push({
        what: `${lacking} records of ${range.topic} partition ${range.partition} before offset ${range.end}`,
        why: 'Kafka does not keep them any more, and no backup holds them',
      })
    for (const piece of pieces) {
      const unread = await readPiece(options, usable, range, piece)
      if (unread !== undefined)
        missing.push({ what: `${piece.path}, ${range.topic} partition ${range.partition}`, why: unread })
    }
  }
  return missing
}

const holdingsOf = (
  { path, manifest }: Omit<CataloguedBackup, 'bytes'>,
  { alias, partition }: { readonly alias: string; readonly partition: number },
): Holding[] => {
  const has = manifest.parts.some(
    (part) => part.kind === 'Records' && part.alias === alias && part.partition === partition,
  )
  const held = manifest.cut.topics
    .find((topic) => topic.alias === alias)
    ?.partitions.find((one) => one.partition === partition)
  return has && held !== undefined ? [{ path, start: held.start, end: held.end }] : []
}

/** Answers why the piece could not be read. */
const readPiece = async (
  { destination, identities, signal, take }: ReadBackups,
  backups: readonly Omit<CataloguedBackup, 'bytes'>[],
  { alias, topic, partition }: Range & { readonly alias: string },
  { path, from, to }: Piece,
): Promise<string | undefined> => {
  const part = backups
    .find((backup) => backup.path === path)
    ?.manifest.parts.find((one) => one.kind === 'Records' && one.alias === alias && one.partition === partition)
  if (part === undefined) return undefined
  // The checksum is known at the end only, and what was delivered cannot be taken back.
  try {
    await verifyPart({ destination, folder: path, part, signal })
  } catch (error) {
    if (!isBackupError(error)) throw error
    return error.message
  }
  // Before the first record is taken: what cannot be decrypted fails at once.
  if (part.path.endsWith('.age') && (identities ?? []).length === 0)
    return 'it is encrypted, and the Secret of spec.backup.encryption has no identity'
  let records: LogRecord[] = []
  for await (const record of decodeRecords(readPart({ destination, folder: path, part, identities, signal }))) {
    if (record.offset < from || record.offset >= to) continue
    records.push({
      topic,
      partition,
      offset: record.offset,
      timestamp: record.timestamp,
      key: record.key?.toString('utf8') ?? null,
      value: record.value?.toString('utf8') ?? '',
    })
    if (records.length < chunk) continue
    await take(records)
    records = []
  }
  await take(records)
  return undefined
}
