import type { Logger } from '../../lib/logger.ts'
import { serveProgress as serve } from '../../lib/progress-server.ts'
import type { BackupProgress } from './config.ts'

/** How often the progress is logged, ms. */
const logEvery = 10_000
/** A dump has this share of the size of its database, as far as anybody can know before: indexes and free space are not in it. */
const dumpShare = 0.35
/** What a record is taken to weigh beside the dump, bytes. */
const recordBytes = 400

/** Follows how far a backup is, and serves it as JSON under /progress. */
export interface Progress {
  /** What there is to do, once it is known. */
  expect(work: { readonly databaseBytes: number; readonly records: number }): void
  /** A chunk of a part went to the destination. */
  bytes(part: string, bytes: number): void
  records(count: number): void
  /** The dump is whole. */
  dumped(): void
  now(): BackupProgress
  close(): Promise<void>
}

/** Starts the server; `port` 0 takes any. A port that is taken costs the progress and nothing else. */
export const serveProgress = async (port: number, logger: Logger): Promise<Progress & { readonly port: number }> => {
  let expected = { dump: 0, records: 0 }
  const done = { bytes: 0, dump: 0, records: 0 }
  let part = ''
  const now = (): BackupProgress => {
    const all = expected.dump + expected.records * recordBytes
    const share = all === 0 ? 0 : (Math.min(done.dump, expected.dump) + done.records * recordBytes) / all
    return { percent: Math.min(99, Math.floor(share * 100)), bytes: done.bytes, part }
  }
  const server = await serve(port, now).catch((error: unknown) => {
    logger.warn({ err: error }, 'the progress cannot be served')
    return undefined
  })
  const timer = setInterval(() => logger.info(now(), 'progress'), logEvery)
  return {
    port: server?.port ?? 0,
    expect: ({ databaseBytes, records }) => {
      expected = { dump: Math.ceil(databaseBytes * dumpShare), records }
    },
    bytes: (name, bytes) => {
      part = name
      done.bytes += bytes
      if (name.startsWith('database.dump')) done.dump += bytes
    },
    records: (count) => {
      done.records += count
    },
    dumped: () => {
      done.dump = expected.dump
    },
    now,
    close: async () => {
      clearInterval(timer)
      await server?.close()
    },
  }
}
