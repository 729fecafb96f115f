/**
 * A record of a topic as one line of JSON: {"o":offset,"t":ms,"k":base64|null,"v":base64|null,"h":[[name,base64|null],…]}. Offsets of a file
 * rise but may leave numbers out: what was compacted away, and the marks that transactions leave.
 */
import { z } from 'zod'
import { BackupError } from './errors.ts'
import type { Bytes } from './streams.ts'

/** One record, whole. */
export interface StoredRecord {
  readonly offset: number
  /** ms since the epoch. */
  readonly timestamp: number
  readonly key: Buffer | null
  /** null: a tombstone. */
  readonly value: Buffer | null
  /** In order; a name may come more than once. */
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[]
}

const base64 = z.string().nullable()
const lineSchema = z.object({
  o: z.int().min(0),
  t: z.int(),
  k: base64,
  v: base64,
  h: z.array(z.tuple([z.string(), base64])),
})

/** As JSON: base64 needs no escapes, and writing it out takes half the time of JSON.stringify, of which a backup does one per record. */
const text = (bytes: Buffer | null): string => (bytes === null ? 'null' : `"${bytes.toString('base64')}"`)
const bytes = (value: string | null): Buffer | null => (value === null ? null : Buffer.from(value, 'base64'))

/** One line, with its newline. */
export const encodeRecord = ({ offset, timestamp, key, value, headers }: StoredRecord): string =>
  `{"o":${offset},"t":${timestamp},"k":${text(key)},"v":${text(value)},"h":[${headers.map(headerText).join(',')}]}\n`

const headerText = ([name, value]: StoredRecord['headers'][number]): string =>
  `[${JSON.stringify(name)},${text(value)}]`

/** The way back. @throws BackupError PartCorrupt */
export const decodeRecord = (line: string): StoredRecord => {
  const { o, t, k, v, h } = parseLine(lineSchema, line)
  return {
    offset: o,
    timestamp: t,
    key: bytes(k),
    value: bytes(v),
    headers: h.map(([name, header]) => [name, bytes(header)]),
  }
}

/** Reads a file of records. */
export async function* decodeRecords(source: Bytes): AsyncGenerator<StoredRecord> {
  for await (const line of linesOf(source)) yield decodeRecord(line)
}

/** One key of the state store. */
export interface StateEntry {
  readonly key: Buffer
  /** ms that are left of its life; -1: it stays. */
  readonly ttl: number
  /** What Redis' DUMP answers; RESTORE takes it. */
  readonly dump: Buffer
}

const stateSchema = z.object({ k: z.string(), ttl: z.int().min(-1), d: z.string() })

/** One line, with its newline. */
export const encodeState = ({ key, ttl, dump }: StateEntry): string =>
  `${JSON.stringify({ k: key.toString('base64'), ttl, d: dump.toString('base64') })}\n`

/** Reads a file of the state store. */
export async function* decodeState(source: Bytes): AsyncGenerator<StateEntry> {
  for await (const line of linesOf(source)) {
    const { k, ttl, d } = parseLine(stateSchema, line)
    yield { key: Buffer.from(k, 'base64'), ttl, dump: Buffer.from(d, 'base64') }
  }
}

const parseLine = <Schema extends z.ZodType>(schema: Schema, line: string): z.output<Schema> => {
  try {
    return schema.parse(JSON.parse(line))
  } catch (error) {
    throw new BackupError('PartCorrupt', `not a line of this format: ${line.slice(0, 80)}`, { cause: error })
  }
}

/** Lines without their newline; a last line without one is an error, because every line is written with it. */
async function* linesOf(source: Bytes): AsyncGenerator<string> {
  let rest: Uint8Array[] = []
  for await (const chunk of source) {
    const piece = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    let from = 0
    for (let at = piece.indexOf(10); at >= 0; at = piece.indexOf(10, from)) {
      // Most lines lie within one piece: no Buffer is made for them.
      yield rest.length === 0
        ? piece.toString('utf8', from, at)
        : Buffer.concat([...rest, piece.subarray(from, at)]).toString('utf8')
      rest = []
      from = at + 1
    }
    if (from < piece.length) rest.push(piece.subarray(from))
  }
  if (rest.length > 0) throw new BackupError('PartCorrupt', 'the last line is cut off')
}
