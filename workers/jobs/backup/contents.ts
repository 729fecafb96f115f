/** The parts of a backup, in this order: what is small and changes by itself first, then dump and records beside each other. */
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Kafka } from 'kafkajs'
import { isBackupError, wordsOf } from '../../lib/backup/errors.ts'
import { formatVersion } from '../../lib/backup/manifest.ts'
import type { Manifest, Part } from '../../lib/backup/manifest.ts'
import { writePart } from '../../lib/backup/part.ts'
import { readSecretFile } from '../../lib/secret-file.ts'
import type { BackupInput } from './backup.ts'
import type { BackupConfig } from './config.ts'
import type { Cut } from './cut.ts'
import { describeDatabase } from './database.ts'
import { dumpDatabase } from './dump.ts'
import { rangesOf } from './plan.ts'
import type { TopicPlan } from './plan.ts'
import { readSecrets } from './secrets.ts'
import { dumpState } from './state.ts'
import { writeTopics } from './topics.ts'
import type { Writing } from './topics.ts'

/** How long parts may take to notice that another one failed, ms. */
const cleanUpTime = 10_000

/** Writes every part of a backup and says what its manifest says. Rejects when any part but the state store cannot be had. */
export const writeContents = async (
  { config, progress, secretsDirectory }: Pick<BackupInput, 'config' | 'progress' | 'secretsDirectory'>,
  made: {
    readonly cut: Cut
    readonly plan: TopicPlan
    readonly writing: Writing
    readonly kafka: Kafka
    readonly uri: string
    readonly pgDump: string
  },
): Promise<Manifest> => {
  const { cut, plan, writing, kafka } = made
  const { onBytes, ...rest } = writing
  const missing = [...cut.missing]
  const ranges = rangesOf(plan.topics)
  const size = await cut.session.query<{ bytes: number }>('SELECT pg_database_size(current_database()) AS bytes')
  progress.expect({
    databaseBytes: size.rows[0]?.bytes ?? 0,
    records: ranges.reduce((total, { start, end }) => total + end - start, 0),
  })
  const write = (path: string, kind: Part['kind'], source: AsyncIterable<Uint8Array>, level?: number) =>
    writePart({
      ...rest,
      path,
      kind,
      source,
      ...(level === undefined ? {} : { compressionLevel: level }),
      onBytes: (bytes) => onBytes(path, bytes),
    })
  const json = (value: unknown) => Readable.from([Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`)])

  const state = await writeState(config, { secretsDirectory, signal: writing.signal, write, missing })
  const parts: Part[] = [...state.parts, await write('resource.json', 'Resource', json(config.resource))]
  if (writing.recipients !== undefined && config.secrets.length > 0) {
    const secrets = await readSecrets(secretsDirectory, config.secrets)
    missing.push(...secrets.missing)
    parts.push(await write('secrets.json', 'Secrets', json(secrets.contents)))
  }
  const dump = async (): Promise<Part> => {
    const source = dumpDatabase({
      uri: made.uri,
      snapshot: cut.snapshot,
      compressionLevel: config.compressionLevel,
      signal: writing.signal,
    })
    const part = await write('database.dump', 'Database', source)
    progress.dumped()
    return part
  }
  const topics = (concurrency: number): Promise<readonly Part[]> =>
    writeTopics({
      kafka,
      ranges,
      groupPrefix: config.service,
      concurrency,
      writing,
      compressionLevel: config.compressionLevel,
      onRecords: (count) => progress.records(count),
    })
  // The snapshot answers while pg_dump works beside it.
  const described = describeDatabase(cut.session)
  described.catch(() => undefined)
  const [database, records] =
    config.parallelism === 1
      ? [await dump(), await topics(1)]
      : await allOrNothing([dump(), topics(config.parallelism - 1)] as const)
  const { audit, tables, migration, postgresql } = await described
  parts.push(database, ...records)
  return {
    format: 'todochatbot-backup',
    formatVersion,
    backup: { name: config.backup.name, uid: config.backup.uid, namespace: config.namespace, system: config.system },
    createdAt: new Date().toISOString(),
    versions: { operand: config.version, migration, postgresql, pgDump: made.pgDump },
    cut: { at: cut.at, skewMs: cut.skewMs, audit, topics: [...plan.topics], groups: cut.groups },
    counts: {
      tables,
      records: records.reduce((total, part) => total + (part.records ?? 0), 0),
      stateKeys: state.keys,
    },
    compression: 'zstd',
    ...(writing.recipients === undefined
      ? {}
      : { encryption: { scheme: 'age' as const, recipients: [...writing.recipients] } }),
    ...(plan.base === undefined ? {} : { base: { path: plan.base.path, manifestSha256: plan.base.manifestSha256 } }),
    parts: parts.sort((a, b) => (a.path < b.path ? -1 : 1)),
    missing,
  }
}

/** Waits for all even when one fails, so that nothing goes on behind our back; the first failure counts. */
const allOrNothing = async <A, B>([a, b]: readonly [Promise<A>, Promise<B>]): Promise<[A, B]> => {
  const failed = Promise.all([a, b])
  try {
    return await failed
  } catch (error) {
    await Promise.race([Promise.allSettled([a, b]), sleep(cleanUpTime, undefined, { ref: false })])
    throw error
  }
}

/** The sessions of conversations: a backup without them is one still, and says so. A destination that fails is another matter. */
const writeState = async (
  config: BackupConfig,
  made: {
    readonly secretsDirectory: string
    readonly signal: AbortSignal
    readonly write: (
      path: string,
      kind: Part['kind'],
      source: AsyncIterable<Uint8Array>,
      level?: number,
    ) => Promise<Part>
    readonly missing: Manifest['missing']
  },
): Promise<{ readonly parts: readonly Part[]; readonly keys: number }> => {
  const { stateStore, compressionLevel } = config
  if (stateStore === undefined) return { parts: [], keys: 0 }
  let keys = 0
  try {
    const { tls, password, address, keyPrefixes } = stateStore
    const secret = (path: string): Promise<string> => readSecretFile(made.secretsDirectory, path)
    const source = dumpState({
      address,
      keyPrefixes,
      signal: made.signal,
      ...(tls === undefined ? {} : { tls: tls.ca === undefined ? {} : { ca: await secret(tls.ca) } }),
      ...(password === undefined ? {} : { password: await secret(password) }),
      onKeys: (count) => {
        keys += count
      },
    })
    const part = await made.write('state.ndjson.zst', 'State', source, compressionLevel)
    return { parts: [{ ...part, records: keys }], keys }
  } catch (error) {
    if (made.signal.aborted || isBackupError(error)) throw error
    made.missing.push({ what: 'the state store', why: wordsOf(error) })
    return { parts: [], keys: 0 }
  }
}
