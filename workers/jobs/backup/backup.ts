/**
 * One backup: the cut, then everything that belongs to it as streams, then the signature and, last of all, the manifest. Until that is there
 * nothing of it counts, so a Job that dies at any point leaves only files for its next pod (same folder) or for retention to remove.
 */
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { Readable } from 'node:stream'
import { backupFolder, openBackup, readCatalogue } from '../../lib/backup/catalogue.ts'
import type { CataloguedBackup } from '../../lib/backup/catalogue.ts'
import type { Destination } from '../../lib/backup/destination.ts'
import { checkRecipients, keyLines } from '../../lib/backup/encryption.ts'
import { BackupError, isBackupError, wordsOf } from '../../lib/backup/errors.ts'
import { encodeManifest, sha256Of } from '../../lib/backup/manifest.ts'
import type { Manifest } from '../../lib/backup/manifest.ts'
import { signBytes } from '../../lib/backup/signature.ts'
import { createThrottle, systemClock, unthrottled } from '../../lib/backup/throttle.ts'
import { openKafka } from '../../lib/kafka/client.ts'
import type { Logger } from '../../lib/logger.ts'
import { createDatabase } from '../../lib/postgres.ts'
import { readSecretFile } from '../../lib/secret-file.ts'
import type { BackupConfig, BackupJobReport } from './config.ts'
import { takeCut } from './cut.ts'
import type { Cut } from './cut.ts'
import { writeContents } from './contents.ts'
import { pgDumpVersion } from './dump.ts'
import { chooseBase, planTopics } from './plan.ts'
import { clearPrevious, removeFolder } from './previous.ts'
import type { Progress } from './progress.ts'
import type { Writing } from './topics.ts'

/** Longest statement of a backup, counting the rows of the largest table: ms. */
const statementTimeout = 3_600_000
/** How long a failed backup tries to clean up after itself, ms. */
const cleanUpTime = 10_000

/** What a backup is made with. */
export interface BackupInput {
  readonly config: BackupConfig
  readonly secretsDirectory: string
  readonly destination: Destination
  readonly progress: Progress
  readonly logger: Logger
  readonly signal: AbortSignal
}

/** Makes the backup and says what came of it. Rejects with BackupError; then nothing that a restore would look at is left. */
export const makeBackup = async (input: BackupInput): Promise<BackupJobReport> => {
  const { config, destination, logger, signal, secretsDirectory } = input
  const startedAt = new Date()
  const secret = (path: string): Promise<string> => readSecretFile(secretsDirectory, path)
  const privateKey = await secret(config.signing.privateKey)
  const publicKey = createPublicKey(createPrivateKey(privateKey)).export({ type: 'spki', format: 'pem' }).toString()
  const recipients = config.encryption === undefined ? undefined : keyLines(await secret(config.encryption.recipients))
  if (recipients !== undefined) checkRecipients(recipients)
  const { namespace, system } = config
  const folder = backupFolder({ namespace, system, ...config.backup, requestedAt: new Date(config.backup.requestedAt) })
  const previous = await clearPrevious(destination, folder, { publicKey, signal })
  if (previous !== undefined) return reportOf(previous, startedAt)
  try {
    const manifest = await writeParts(input, { folder, recipients, publicKey })
    const bytes = encodeManifest(manifest)
    const signature = `${signBytes(bytes, privateKey)}\n`
    await destination.put(`${folder}/manifest.json.sig`, Readable.from([Buffer.from(signature)]), signal)
    await destination.put(`${folder}/manifest.json`, Readable.from([bytes]), signal)
    const stored = manifest.parts.reduce((total, part) => total + part.bytes, bytes.length + signature.length)
    return reportOf({ path: folder, manifest, manifestSha256: sha256Of(bytes), signature, bytes: stored }, startedAt)
  } catch (error) {
    await removeFolder(destination, folder, AbortSignal.timeout(cleanUpTime)).catch((left: unknown) =>
      logger.warn({ err: left, folder }, 'what was written could not be removed; the next try or retention does it'),
    )
    throw error
  }
}

const writeParts = async (
  input: BackupInput,
  made: { readonly folder: string; readonly recipients: readonly string[] | undefined; readonly publicKey: string },
): Promise<Manifest> => {
  const { config, destination, logger, progress, secretsDirectory } = input
  const stop = new AbortController()
  const signal = AbortSignal.any([input.signal, stop.signal])
  const uri = await readSecretFile(secretsDirectory, config.database.ownerUri)
  const database = createDatabase({
    uri,
    applicationName: config.service,
    pool: { min: 0, max: 1 },
    statementTimeout,
    slowQueryThreshold: statementTimeout,
    logger,
  })
  const kafka = await openKafka(config.kafka, { clientId: config.service, secretsDirectory })
  const admin = kafka.admin()
  let cut: Cut | undefined
  const lose = (): void =>
    stop.abort(
      new BackupError('DatabaseFailed', 'the session that held the snapshot was lost', {
        cause: cut?.session.lost.reason,
      }),
    )
  try {
    const connected = admin.connect().catch((error: unknown) => {
      throw new BackupError('KafkaFailed', `the brokers cannot be reached: ${wordsOf(error)}`, { cause: error })
    })
    const [pgDump] = await Promise.all([pgDumpVersion(), connected])
    const base = config.kafka.mode === 'Full' ? undefined : await findBase(input, made.publicKey)
    cut = await takeCut({ database, admin, config, logger, signal })
    cut.session.lost.addEventListener('abort', lose, { once: true })
    const plan = planTopics(cut.topics, base)
    if (config.kafka.mode === 'Incremental' && plan.base === undefined)
      logger.info({ because: plan.because ?? 'there is no backup it could build on' }, 'a full backup is made')
    const throttle = config.throttle === undefined ? unthrottled : createThrottle(config.throttle, systemClock)
    const writing: Writing = {
      destination,
      folder: made.folder,
      recipients: made.recipients,
      throttle,
      signal,
      onBytes: (part, bytes) => progress.bytes(part, bytes),
    }
    return await writeContents(input, { cut, plan, writing, kafka, uri, pgDump })
  } catch (error) {
    stop.abort(error)
    // The reason of a stop says more than what it broke.
    throw input.signal.aborted ? input.signal.reason : signal.reason
  } finally {
    cut?.session.lost.removeEventListener('abort', lose)
    await cut?.end()
    await database.close()
    await admin.disconnect().catch(() => undefined)
  }
}

/** The newest backup that can be built on; its signature must hold, since what it says of the log is believed. */
const findBase = async (
  { config, destination, logger, signal }: BackupInput,
  publicKey: string,
): Promise<CataloguedBackup | undefined> => {
  const { backups } = await readCatalogue(destination, config, signal)
  const base = chooseBase(backups, config.kafka.maxIncrements)
  if (base === undefined) return undefined
  try {
    await openBackup(destination, base.path, { publicKey, signal })
    return base
  } catch (error) {
    if (!isBackupError(error, 'SignatureWrong', 'SignatureMissing')) throw error
    logger.warn({ path: base.path, reason: error.reason }, 'not built on')
    return undefined
  }
}

const reportOf = ({ path, manifest, manifestSha256, bytes }: CataloguedBackup, startedAt: Date): BackupJobReport => ({
  result: 'Backup',
  phase: manifest.missing.length === 0 ? 'Succeeded' : 'PartiallySucceeded',
  path,
  bytes,
  manifestSha256,
  encrypted: manifest.encryption !== undefined,
  startedAt: startedAt.toISOString(),
  finishedAt: new Date().toISOString(),
  cut: { at: manifest.cut.at, skewMs: manifest.cut.skewMs, audit: manifest.cut.audit.slice(0, 16) },
  counts: {
    rows: Object.values(manifest.counts.tables).reduce((total, rows) => total + rows, 0),
    records: manifest.counts.records,
    stateKeys: manifest.counts.stateKeys,
  },
  ...(manifest.base === undefined ? {} : { base: manifest.base.path }),
  missing: manifest.missing,
})
