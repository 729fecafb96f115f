/**
 * What ends a restore: no retry would change it, so the Job is not tried again and the operator puts the old state back. Everything else
 * (a server that is away, a connection that broke) is an ordinary error, after which the Job's next pod goes on.
 */
const remedies = {
  VersionTooOld:
    'Update spec.version and the servers to at least the versions in the manifest of the backup, then create another Restore',
  MayNotCreateDatabases:
    'Let the owner of the schema create and rename databases: ALTER ROLE <owner> CREATEDB, and make it the owner of the database',
  DatabaseNotReachable:
    'Let the owner of the schema connect to the database postgres: GRANT CONNECT ON DATABASE postgres TO <owner>',
  NameTooLong: 'Restore into a system whose database has a shorter name: 39 characters at most',
  TopicTooSmall:
    'Raise spec.kafka.topics.<topic>.partitions to at least those of the backup, then create another Restore',
  TopicUnknown: 'Take a backup of a system with the same topics',
  NotEmpty: 'Use mode InPlace to replace data, or restore into a system that nobody has used yet',
  NotAsWritten:
    'Take another backup: what was restored is not what the manifest says. Nothing of the system was touched',
  UntilOutOfReach:
    'Choose another backup or another spec.until: a time needs the log in Kafka from the cut on, an auditSequence the audit trail in the database as it is',
  Incomplete: 'Take another backup: this one lacks what the message names',
  StillConnected: 'End the sessions the message names, then create another Restore',
  GroupInUse: 'Stop whoever consumes in that group outside the system, then create another Restore',
} as const

/** Codes of {@link RestoreError}. */
export type RestoreErrorCode = keyof typeof remedies

/** An error out of the catalogue; its message is what is the case and what to do. */
export class RestoreError extends Error {
  override readonly name = 'RestoreError'
  readonly code: RestoreErrorCode

  constructor(code: RestoreErrorCode, reason: string, options?: ErrorOptions) {
    super(`${code}: ${reason}. ${remedies[code]}.`, options)
    this.code = code
  }
}
