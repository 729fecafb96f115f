import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { backupFolder, openBackup, readCatalogue } from './catalogue.ts'
import type { Destination } from './destination.ts'
import { openDestination } from './destination.ts'
import type { Manifest } from './manifest.ts'
import { decodeManifest, encodeManifest } from './manifest.ts'
import { signBytes } from './signature.ts'

const { signal } = new AbortController()
let folder: string
let destination: Destination
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'catalogue-'))
  destination = await openDestination({ volume: { folder } })
})
afterAll(async () => rm(folder, { recursive: true, force: true }))

const keys = () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  }
}
const manifestOf = (name: string, at: string): Manifest => ({
  format: 'todochatbot-backup',
  formatVersion: 1,
  backup: { name, uid: 'a1b2c3d4-0000', namespace: 'team', system: 'todo' },
  createdAt: at,
  versions: { operand: '0.1.0', migration: 6, postgresql: '15.1', pgDump: '15.1' },
  cut: { at, skewMs: 3, audit: [], topics: [], groups: [] },
  counts: { tables: { tasks: 1 }, records: 0, stateKeys: 0 },
  compression: 'zstd',
  parts: [],
  missing: [],
})
const put = (path: string, bytes: Uint8Array | string): Promise<unknown> =>
  destination.put(path, Readable.from([Buffer.from(bytes)]), signal)
const folderOf = (name: string, at: string): string =>
  backupFolder({ namespace: 'team', system: 'todo', name, uid: 'a1b2c3d4-0000', requestedAt: new Date(at) })

test('backups are listed by their cut; unfinished and unreadable ones stand apart', async () => {
  const [first, second, broken, newer] = [
    folderOf('late', '2026-01-02T03:04:05Z'),
    folderOf('early', '2026-01-03T03:04:05Z'),
    folderOf('broken', '2026-01-04T03:04:05Z'),
    folderOf('newer', '2026-01-05T03:04:05Z'),
  ]
  expect(first).toBe('team/todo/20260102T030405Z-late-a1b2c3d4')
  await put(`${first}/manifest.json`, encodeManifest(manifestOf('late', '2026-01-03T00:00:00.000Z')))
  await put(`${second}/database.dump`, 'dump')
  await put(`${second}/manifest.json`, encodeManifest(manifestOf('early', '2026-01-02T00:00:00.000Z')))
  await put(`${broken}/manifest.json`, '{')
  await put(`${newer}/manifest.json`, JSON.stringify({ format: 'todochatbot-backup', formatVersion: 2 }))
  await put('team/todo/20260106T030405Z-half-a1b2c3d4/database.dump', 'half')
  await put('team/todo-other/20260106T030405Z-x-a1b2c3d4/database.dump', 'of another system')
  const { backups, unfinished, unreadable } = await readCatalogue(
    destination,
    { namespace: 'team', system: 'todo' },
    signal,
  )
  expect(backups.map(({ manifest }) => manifest.backup.name)).toEqual(['early', 'late'])
  expect(unfinished.map(({ path }) => path)).toEqual(['team/todo/20260106T030405Z-half-a1b2c3d4'])
  expect(unreadable.map(({ path }) => path)).toEqual([broken, newer])
})

test('a signature holds for its bytes and its key only', async () => {
  const path = folderOf('signed', '2026-02-02T00:00:00Z')
  const own = keys()
  const bytes = encodeManifest(manifestOf('signed', '2026-02-02T00:00:00.000Z'))
  await put(`${path}/manifest.json`, bytes)
  await expect(openBackup(destination, path, { publicKey: own.publicKey, signal })).rejects.toMatchObject({
    code: 'SignatureMissing',
  })
  await put(`${path}/manifest.json.sig`, signBytes(bytes, own.privateKey))
  expect((await openBackup(destination, path, { publicKey: own.publicKey, signal })).manifest.backup.name).toBe(
    'signed',
  )
  await expect(openBackup(destination, path, { publicKey: keys().publicKey, signal })).rejects.toMatchObject({
    code: 'SignatureWrong',
  })
  await put(`${path}/manifest.json`, bytes.toString().replace('"migration": 6', '"migration": 7'))
  await expect(openBackup(destination, path, { publicKey: own.publicKey, signal })).rejects.toMatchObject({
    code: 'SignatureWrong',
  })
})

test('a manifest of an earlier program is read; one of a later format is refused with what to do', () => {
  const { missing, ...early } = manifestOf('old', '2026-01-01T00:00:00.000Z')
  expect(missing).toEqual([])
  const read = decodeManifest(Buffer.from(JSON.stringify({ ...early, somethingNew: true })))
  expect(read).toEqual(manifestOf('old', '2026-01-01T00:00:00.000Z'))
  expect(() => decodeManifest(Buffer.from(JSON.stringify({ ...early, formatVersion: 2 })))).toThrow(
    /format version 2.*reads up to 1.*Update the operator/,
  )
  expect(() => decodeManifest(Buffer.from(JSON.stringify({ ...early, formatVersion: 0 })))).toThrow(/formatVersion/)
  expect(() => decodeManifest(Buffer.from(JSON.stringify({ ...early, parts: [{ path: '../x' }] })))).toThrow(/parts/)
})
