import { open, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'

/**
 * One change that the API server recorded in its audit log. Counting there, rather than in the client under
 * measurement, makes every contestant's writes and times come from the same clock and the same witness.
 */
export interface RecordedWrite {
  readonly verb: string
  /** Plural resource, such as deployments. */
  readonly resource: string
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  readonly user: string
  readonly userAgent: string
  /** HTTP status of the answer. */
  readonly status: number
  /** ms since 1970, with a fraction. */
  readonly receivedAt: number
  /** ms since 1970, with a fraction. */
  readonly completedAt: number
}

/** Reads an audit log as it grows. */
export interface ApiAuditLog {
  /** What was recorded since the last call, oldest first. */
  next(): Promise<readonly RecordedWrite[]>
}

/**
 * Follows an audit log of the API server (JSON lines, stage ResponseComplete) from its end as it is now, or from its start.
 * A log that is rotated meanwhile is read on from the start of the new file.
 */
export async function followAuditLog(path: string, from: 'start' | 'end' = 'end'): Promise<ApiAuditLog> {
  let offset = from === 'end' ? await sizeOf(path) : 0
  return {
    async next() {
      const size = await sizeOf(path)
      if (size < offset) offset = 0
      if (size === offset) return []
      const handle = await open(path, 'r')
      try {
        const added = await readRange(handle, offset, size)
        const complete = added.subarray(0, added.lastIndexOf('\n') + 1)
        offset += complete.length
        const lines = complete.toString('utf8').split('\n')
        return lines.map(parseLine).filter((write) => write !== undefined)
      } finally {
        await handle.close()
      }
    },
  }
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    (info) => info.size,
    () => 0,
  )
}

async function readRange(handle: FileHandle, start: number, end: number): Promise<Buffer> {
  const buffer = Buffer.alloc(end - start)
  let filled = 0
  while (filled < buffer.length) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, start + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}

interface AuditLine {
  readonly stage: string
  readonly verb: string
  readonly user?: { readonly username?: string }
  readonly userAgent?: string
  readonly objectRef?: {
    readonly resource?: string
    readonly subresource?: string
    readonly namespace?: string
    readonly name?: string
  }
  readonly responseStatus?: { readonly code?: number }
  readonly requestReceivedTimestamp: string
  readonly stageTimestamp: string
}

/** One line of the log; undefined for another stage than ResponseComplete and for requests that are not about an object. */
export function parseLine(line: string): RecordedWrite | undefined {
  if (line === '') return undefined
  const entry = JSON.parse(line) as AuditLine
  if (entry.stage !== 'ResponseComplete' || entry.objectRef?.resource === undefined) return undefined
  return {
    verb: entry.verb,
    resource: entry.objectRef.resource,
    subresource: entry.objectRef.subresource ?? '',
    namespace: entry.objectRef.namespace ?? '',
    name: entry.objectRef.name ?? '',
    user: entry.user?.username ?? '',
    userAgent: entry.userAgent ?? '',
    status: entry.responseStatus?.code ?? 0,
    receivedAt: milliseconds(entry.requestReceivedTimestamp),
    completedAt: milliseconds(entry.stageTimestamp),
  }
}

/** RFC 3339 with microseconds, which Date alone would cut to milliseconds. */
function milliseconds(timestamp: string): number {
  const micro = /\.\d{3}(\d{3})/.exec(timestamp)?.[1] ?? '0'
  return Date.parse(timestamp) + Number(micro) / 1000
}
