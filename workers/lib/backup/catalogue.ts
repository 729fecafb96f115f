/** The backups of a destination. Only what has a manifest is a backup; a folder without one is a try that has not ended, or never will. */
import type { Destination } from './destination.ts'
import { BackupError, isBackupError } from './errors.ts'
import type { Manifest } from './manifest.ts'
import { decodeManifest, sha256Of } from './manifest.ts'
import { verifySignature } from './signature.ts'
import { readAll } from './streams.ts'

/** Longest manifest.json that is read; one with 1000 partitions has some 300 kB. */
const manifestLimit = 16 * 1024 * 1024

/** Whom backups belong to. */
export interface SystemName {
  readonly namespace: string
  readonly system: string
}

/** Folder of all backups of a system. */
export const systemFolder = ({ namespace, system }: SystemName): string => `${namespace}/${system}`

/** Folder of one backup: `<namespace>/<system>/<YYYYMMDDTHHMMSSZ>-<backup name>-<first 8 of uid>`. The same backup always has the same. */
export const backupFolder = (
  backup: SystemName & { readonly name: string; readonly uid: string; readonly requestedAt: Date },
): string => {
  const time = backup.requestedAt.toISOString().replace(/[-:]|\.\d+/g, '')
  return `${systemFolder(backup)}/${time}-${backup.name}-${backup.uid.slice(0, 8)}`
}

/** A backup that was finished. */
export interface CataloguedBackup {
  /** Its folder. */
  readonly path: string
  readonly manifest: Manifest
  readonly manifestSha256: string
  /** Base64; undefined: not signed. */
  readonly signature: string | undefined
  /** All files of the folder, bytes. */
  readonly bytes: number
}

/** What lies in the folder of a system. */
export interface Catalogue {
  /** Oldest cut first. */
  readonly backups: readonly CataloguedBackup[]
  /** Folders without a manifest. */
  readonly unfinished: readonly { readonly path: string; readonly modifiedAt: Date }[]
  /** Folders whose manifest cannot be read, and why. They are left alone. */
  readonly unreadable: readonly { readonly path: string; readonly why: string }[]
}

/** Reads the manifest of one backup, and checks its signature when a key is given (PEM). @throws BackupError */
export const openBackup = async (
  destination: Destination,
  path: string,
  options: { readonly publicKey?: string | undefined; readonly signal: AbortSignal },
): Promise<Omit<CataloguedBackup, 'bytes'>> => {
  const read = async (file: string): Promise<Buffer> =>
    readAll(await destination.get(`${path}/${file}`, options.signal), manifestLimit)
  const bytes = await read('manifest.json')
  const signature = await read('manifest.json.sig').then(
    (text) => text.toString('utf8').trim(),
    (error: unknown) => {
      if (isBackupError(error, 'PartMissing')) return undefined
      throw error
    },
  )
  if (options.publicKey !== undefined) {
    if (signature === undefined) throw new BackupError('SignatureMissing', `${path} has no manifest.json.sig`)
    verifySignature(bytes, signature, options.publicKey)
  }
  return { path, manifest: decodeManifest(bytes), manifestSha256: sha256Of(bytes), signature }
}

/** Lists a system's backups. Signatures are not checked here: {@link openBackup} does, before a backup is used. */
export const readCatalogue = async (
  destination: Destination,
  system: SystemName,
  signal: AbortSignal,
): Promise<Catalogue> => {
  const folder = systemFolder(system)
  const folders = new Map<string, { bytes: number; finished: boolean; modifiedAt: Date }>()
  for (const { path, bytes, modifiedAt } of await destination.list(folder, signal)) {
    const [name = '', ...rest] = path.slice(folder.length + 1).split('/')
    if (!/^\d{8}T\d{6}Z-/.test(name) || rest.length === 0) continue
    const known = folders.get(name) ?? { bytes: 0, finished: false, modifiedAt: new Date(0) }
    folders.set(name, {
      bytes: known.bytes + bytes,
      finished: known.finished || rest.join('/') === 'manifest.json',
      modifiedAt: known.modifiedAt > modifiedAt ? known.modifiedAt : modifiedAt,
    })
  }
  const backups: CataloguedBackup[] = []
  const unfinished: { path: string; modifiedAt: Date }[] = []
  const unreadable: { path: string; why: string }[] = []
  for (const [name, { bytes, finished, modifiedAt }] of folders) {
    const path = `${folder}/${name}`
    if (!finished) {
      unfinished.push({ path, modifiedAt })
      continue
    }
    try {
      backups.push({ ...(await openBackup(destination, path, { signal })), bytes })
    } catch (error) {
      if (!isBackupError(error, 'FormatTooNew', 'ManifestInvalid')) throw error
      unreadable.push({ path, why: error.reason })
    }
  }
  backups.sort((a, b) => a.manifest.cut.at.localeCompare(b.manifest.cut.at) || (a.path < b.path ? -1 : 1))
  return { backups, unfinished, unreadable }
}
