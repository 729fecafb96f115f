/** The evidence Job: collects what is known about one worker into an archive on a volume and says in its termination message what came of it. */
import { join } from 'node:path'
import { ConfigError, loadConfig } from '../../lib/config.ts'
import { readEnvironment } from '../../lib/environment.ts'
import { openKafka } from '../../lib/kafka/client.ts'
import { createLogger } from '../../lib/logger.ts'
import { reportFailure, sayLastWords } from '../../lib/termination.ts'
import { createArchive } from './archive.ts'
import { collect } from './collect.ts'
import { evidenceConfigSchema, type EvidenceConfig } from './config.ts'
import { apiServer, readTail } from './kubernetes.ts'
import { hurried, readOffsets } from './offsets.ts'
import { redactor } from './redact.ts'
import { reportText, summarise } from './report.ts'
import { readSecretValues } from './secrets.ts'

/** Longest wait for Kafka, in ms. */
const kafkaDeadline = 15_000
/** Longest answer of a sidecar that is kept, in bytes. */
const sidecarBytes = 256 * 1024

const account = '/var/run/secrets/kubernetes.io/serviceaccount'

const run = async (stop: AbortSignal): Promise<string> => {
  const environment = readEnvironment()
  const config = await loadConfig(evidenceConfigSchema, environment.configDirectory)
  const { service, system, version, logLevel: level, limits, incident } = config
  const logger = createLogger({ service, system, version, level, pod: environment.podName })
  const signal = AbortSignal.any([stop, AbortSignal.timeout(limits.timeout)])
  const api = await apiServer({ url: environment.apiServer, account, signal })
  const redact = redactor(await readSecretValues(environment.secretsDirectory))
  const takenAt = new Date()
  const archive = await createArchive({
    path: join(config.archive.directory, config.archive.file),
    root: incident.name,
    fileBytes: limits.fileBytes,
    totalBytes: limits.totalBytes,
    now: takenAt.getTime(),
  })
  const missing = await collect(
    {
      config,
      api,
      redact,
      signal,
      fetchText: fetchText(signal),
      offsets: offsetsOf(config, environment.secretsDirectory),
    },
    archive,
  )
  const { bytes, sha256 } = await archive.finish((files) => ({
    incident,
    system,
    worker: config.worker,
    namespace: config.namespace,
    takenAt: takenAt.toISOString(),
    limits: { fileBytes: limits.fileBytes, totalBytes: limits.totalBytes },
    redaction:
      'Values of environment variables, values of the Secrets that the system mounts, passwords in URIs, tokens and private keys are replaced by [redacted…].',
    files,
    missing,
  }))
  const collected = summarise(archive.files)
  logger.info({ bytes, sha256, collected, missing }, 'the archive is written')
  return reportText({ file: config.archive.file, bytes, sha256, collected, missing: [...missing] })
}

const fetchText =
  (signal: AbortSignal) =>
  async (url: string): Promise<string> => {
    const response = await fetch(url, {
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)]),
    })
    const { text } = await readTail((response.body ?? []) as AsyncIterable<Uint8Array>, sidecarBytes)
    if (!response.ok) throw new Error(`answered ${response.status}`)
    return text
  }

const offsetsOf = ({ kafka }: EvidenceConfig, secretsDirectory: string) =>
  kafka === undefined
    ? undefined
    : async () => {
        const client = await openKafka(kafka, { clientId: 'todochatbot-evidence', secretsDirectory, patience: hurried })
        return readOffsets(client, kafka, kafkaDeadline)
      }

const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
process.once('SIGINT', () => stop.abort())
try {
  sayLastWords(await run(stop.signal))
} catch (error) {
  reportFailure(error instanceof ConfigError ? error.message : `no archive was written: ${String(error)}`)
  process.exitCode = 1
}
