/**
 * What can go wrong with a backup, a destination or a part of it: a code that programs decide by, a reason and what to do. Messages name
 * paths and never hold a credential.
 */
const remedies = {
  DestinationGone: 'Check that the volume or the bucket exists and that its address can be reached from the cluster',
  DestinationReadOnly: 'Give the credentials (or the pod, on a volume) the right to write, list and delete there',
  DestinationFull: 'Make room or enlarge the destination, or shorten spec.backup.retention',
  WrongCredentials: 'Correct the access key and the secret key in the Secret of the destination',
  DestinationUntrusted: 'Give the authority of the server as caSecretRef',
  DestinationFailed: 'Look at the log of the storage server; the Job tries again',
  PartMissing: 'The backup is not whole: take another one',
  PartCorrupt: 'The stored bytes are not those that were written: take another backup, and check the storage',
  WrongKey: 'Give the identity that belongs to one of the recipients in manifest.json',
  KeyMissing: 'The backup is encrypted: name the Secret with the identity',
  BadKey: 'An age recipient begins with age1, an identity with AGE-SECRET-KEY-1, one per line',
  ManifestInvalid: 'The manifest was changed or is not of a backup of this program: take another one',
  FormatTooNew: 'Update the operator to the version that wrote it, or a later one',
  SignatureMissing: 'Take a backup that is signed, or state in spec.signature that it is to be ignored and why',
  SignatureWrong:
    'The manifest was changed after it was signed, or another key signed it: give the public key of the system it comes from',
  DatabaseFailed: 'Look at the log of the Job and of PostgreSQL; the Job tries again with a new cut',
  CutNotTaken: 'Something holds the outbox locked: look for a long transaction in pg_stat_activity',
  KafkaFailed: 'Check that the brokers can be reached and that the account may describe and read the topics',
  RecordsGone: 'Lengthen the retention of the topic; the backup holds what was still there',
  BaseUnusable: 'Take a full backup',
  StateStoreFailed: 'Check that Redis can be reached with the password of the system',
  DeadlinePassed: 'Give it a longer deadline, or more speed: a higher throttle, parallelism or a faster destination',
  Stopped: 'Nothing is left behind that a restore would look at; the next try begins anew',
} as const

/** Codes of {@link BackupError}. */
export type BackupErrorCode = keyof typeof remedies

/** An error out of the catalogue; its message is reason and remedy. */
export class BackupError extends Error {
  override readonly name = 'BackupError'
  readonly code: BackupErrorCode
  /** What happened, without the remedy. */
  readonly reason: string
  readonly remedy: string

  constructor(code: BackupErrorCode, reason: string, options?: ErrorOptions) {
    super(`${code}: ${reason}. ${remedies[code]}.`, options)
    this.code = code
    this.reason = reason
    this.remedy = remedies[code]
  }
}

/** Whether an error is of the catalogue and has one of the codes. */
export const isBackupError = (error: unknown, ...codes: readonly BackupErrorCode[]): error is BackupError =>
  error instanceof BackupError && (codes.length === 0 || codes.includes(error.code))

/** The words of any error. */
export const wordsOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  // Node's errors of several addresses say nothing themselves.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(wordsOf).join('; ')
  return error.message
}
