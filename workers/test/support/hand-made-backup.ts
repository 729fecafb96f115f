/** A backup as docs/backup-format.md describes it, made with pg_dump, kafkajs and nothing of the backup Job: what restores are tested against. */
import { spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { Kafka } from 'kafkajs'
import type { Destination } from '../../lib/backup/destination.ts'
import { encodeManifest, type Manifest, type Part } from '../../lib/backup/manifest.ts'
import { writePart } from '../../lib/backup/part.ts'
import { encodeRecord, encodeState } from '../../lib/backup/records.ts'
import { signBytes } from '../../lib/backup/signature.ts'
import type { Database } from '../../lib/postgres.ts'
import { committedOffsets } from '../../lib/kafka/group-offsets.ts'
import { boundsOf, readRanges } from '../../jobs/restore/kafka-log.ts'
import { libpqEnvironment } from '../../jobs/restore/pg-restore.ts'

/** Folder of the newest PostgreSQL's programs. */
export const postgresPrograms = async (): Promise<string> => {
  const versions = (await readdir('/usr/lib/postgresql')).map(Number).sort((a, b) => b - a)
  return join('/usr/lib/postgresql', String(versions[0]), 'bin')
}

/** A pair of Ed25519 keys, PEM. */
export const signingKeys = (): { readonly privateKey: string; readonly publicKey: string } =>
  generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })

/** What is backed up. */
export interface HandMade {
  readonly destination: Destination
  readonly folder: string
  readonly database: Database
  readonly ownerUri: string
  readonly kafka: Kafka
  readonly topics: readonly { readonly alias: string; readonly topic: string }[]
  readonly groups: readonly { readonly group: string; readonly service: string; readonly aliases: readonly string[] }[]
  readonly state: readonly { readonly key: Buffer; readonly dump: Buffer }[]
  readonly privateKey: string
}

/** Takes it. Nothing may be written meanwhile. */
export const handMadeBackup = async (options: HandMade): Promise<Manifest> => {
  const { destination, folder, database, kafka, topics, groups } = options
  const signal = new AbortController().signal
  const admin = kafka.admin()
  await admin.connect()
  const parts: Part[] = []
  const write = async (
    part: Omit<Parameters<typeof writePart>[0], 'destination' | 'folder' | 'signal'>,
  ): Promise<Part> => {
    const written = await writePart({ destination, folder, signal, ...part })
    parts.push(written)
    return written
  }
  await write({ path: 'database.dump', kind: 'Database', source: dumpOf(options.ownerUri, await postgresPrograms()) })
  const cut: Manifest['cut']['topics'] = []
  let records = 0
  for (const { alias, topic } of topics) {
    const bounds = [...((await boundsOf(admin, topic)) ?? [])].sort(([a], [b]) => a - b)
    cut.push({ alias, topic, partitions: bounds.map(([partition, { start, end }]) => ({ partition, start, end })) })
    for (const [partition, { start, end }] of bounds) {
      const lines: string[] = []
      await readRanges({ kafka, topic, ranges: [{ partition, from: start, to: end }], signal }, (_one, record) =>
        lines.push(encodeRecord(record)),
      )
      records += lines.length
      await write({
        path: `records/${alias}/${partition}.ndjson.zst`,
        kind: 'Records',
        alias,
        partition,
        compressionLevel: 3,
        source: Readable.from(lines.map((line) => Buffer.from(line))),
      })
    }
  }
  const state = options.state.map(({ key, dump }) => Buffer.from(encodeState({ key, ttl: -1, dump })))
  await write({ path: 'state.ndjson.zst', kind: 'State', compressionLevel: 3, source: Readable.from(state) })
  const { rows } = await database.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'`,
  )
  const tables: Record<string, number> = {}
  for (const { name } of rows)
    tables[name] = Number((await database.query<{ n: string }>(`SELECT count(*) AS n FROM "${name}"`)).rows[0]?.n)
  const heads = await database.query<{ seq: string; hash: string }>(
    `SELECT seq, encode(hash, 'hex') AS hash FROM audit_head WHERE stream = 'tasks'`,
  )
  const migration = await database.query<{ n: number }>('SELECT max(version) AS n FROM schema_migrations')
  const now = new Date().toISOString()
  const manifest: Manifest = {
    format: 'todochatbot-backup',
    formatVersion: 1,
    backup: { name: 'by-hand', uid: 'by-hand', namespace: 'app', system: 'todo' },
    createdAt: now,
    versions: { operand: '0.1.0', migration: Number(migration.rows[0]?.n), postgresql: '15', pgDump: '15' },
    cut: {
      at: now,
      skewMs: 0,
      audit: heads.rows.map(({ seq, hash }) => ({ stream: 'tasks', seq: Number(seq), hash })),
      topics: cut,
      groups: await Promise.all(
        groups.map(async ({ group, service, aliases }) => ({
          group,
          service,
          offsets: (
            await Promise.all(
              topics
                .filter(({ alias }) => aliases.includes(alias))
                .map(async ({ alias, topic }) =>
                  [...(await committedOffsets(admin, group, topic))].map(([partition, offset]) => ({
                    alias,
                    partition,
                    offset,
                  })),
                ),
            )
          ).flat(),
        })),
      ),
    },
    counts: { tables, records, stateKeys: options.state.length },
    compression: 'zstd',
    parts,
    missing: [],
  }
  const bytes = encodeManifest(manifest)
  await destination.put(`${folder}/manifest.json`, Readable.from([bytes]), signal)
  await destination.put(`${folder}/manifest.json.sig`, Readable.from([signBytes(bytes, options.privateKey)]), signal)
  await admin.disconnect()
  return manifest
}

async function* dumpOf(uri: string, programs: string): AsyncGenerator<Uint8Array> {
  const child = spawn(join(programs, 'pg_dump'), ['--format=custom'], {
    env: libpqEnvironment(uri),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  yield* child.stdout as AsyncIterable<Uint8Array>
  const code = await ended
  if (code !== 0) throw new Error(`pg_dump ended with ${String(code)}`)
}
