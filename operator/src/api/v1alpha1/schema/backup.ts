import { z } from 'zod'
import { destinationSchema } from './destination.ts'
import { checked, described, duration, objectName, quantity, text } from './field.ts'
import { topicAliases } from './kafka.ts'
import { resourcesSchema } from './resources.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

const number = '[0-9]{1,2}'
const cronField = (names: string): string => {
  const value = `(${number}${names === '' ? '' : `|${names}`})`
  const item = `([*]|${value}(-${value})?)(/${number})?`
  return `${item}(,${item})*`
}
const months = 'JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC'
const weekdays = 'SUN|MON|TUE|WED|THU|FRI|SAT'
/** Five fields of cron: the grammar only; ranges such as minute 61 are found by the operator. */
const cronPattern = `^${['', '', '', months, weekdays].map(cronField).join(' ')}$`

/** When something is done again and again: five fields of cron. */
export const cronSchema = (description: string): z.ZodString =>
  text({
    description: `${description} (five fields of cron: minute, hour, day of the month, month, day of the week; "0 2 * * *" is every night at two)`,
    pattern: cronPattern,
    message:
      'must be five fields of cron: minute hour day month weekday, such as "0 2 * * *" or "*/30 8-18 * * MON-FRI"',
    max: 100,
  })

/** An IANA time zone by its shape; whether it exists is found by the operator. */
export const timeZoneSchema = text({
  description: 'IANA time zone of the schedule, such as Europe/Berlin.',
  pattern: '^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$',
  message: 'timeZone must be the name of an IANA time zone, such as UTC or Europe/Berlin',
  max: 64,
})

/** How the topics are backed up. */
export const kafkaBackupSchema = described(
  z.strictObject({
    mode: described(
      z.enum(['Full', 'Incremental']).default('Full'),
      'Full holds every record of the topics; Incremental only those since the last backup, which retention then keeps.',
    ),
    topics: described(
      z
        .array(described(z.enum(topicAliases), 'Alias of a topic.'))
        .min(1)
        .max(8),
      'Topics; all when absent.',
    )
      .meta({ 'x-kubernetes-list-type': 'set' })
      .optional(),
  }),
  'Records of the topics and offsets of the consumers.',
)

/** Most bytes per second that a backup or restore moves. */
export const throttleSchema = quantity('Most bytes per second, such as 10M; as fast as it goes when absent.')
/** Level of zstd for records and of the dump. */
export const compressionLevelSchema = z.int().min(1).max(19)
/** Tables dumped and partitions read at once. */
export const parallelismSchema = z.int().min(1).max(16)
/** How long a backup may take. */
export const backupDeadlineSchema = duration(
  'How long a backup may take, waiting included, before it counts as failed',
  {
    min: 30_000,
    max: 7 * day,
  },
)

/** Keys backups are encrypted with before they leave the cluster. */
export const encryptionSchema = described(
  z.strictObject({
    secretRef: described(
      z.strictObject({
        name: objectName(
          'Name of a Secret in the same namespace: key recipients holds age recipients (age1…), one per line; key identity (AGE-SECRET-KEY-…) is only needed by restores.',
        ),
      }),
      'Secret with the keys.',
    ),
  }),
  'Encrypts backups with age (age-encryption.org) before they leave the cluster. Only then do they hold the Secrets of the system. Without the identity no backup can be restored: keep a copy outside the cluster.',
)

/** Which backups are kept. */
export const retentionSchema = described(
  z.strictObject({
    keepLast: described(
      z.int().min(1).max(1000),
      'Newest successful backups that are kept, however old. Default by profile: Development 3, Staging 7, Production 14.',
    ).optional(),
    maxAge: duration(
      'Older ones than this go, beyond keepLast. Default by profile: Development 168h, Staging 720h, Production 2160h',
      { min: hour, max: 3650 * day },
    ).optional(),
    dryRun: described(
      z.boolean().default(false),
      'Only says in status.backup.retention what would go; nothing is removed.',
    ),
  }),
  'Which backups are kept. What has to go goes with its Backup resource. Never removed: the last one that was verified by a restore, and those that an incremental one builds on.',
)

/** When backups are proved. */
export const drillSchema = described(
  z.strictObject({
    schedule: cronSchema('When the newest backup is restored into a throwaway'),
    timeZone: described(
      timeZoneSchema,
      'IANA time zone of the schedule, such as Europe/Berlin. Default: that of the backups.',
    ).optional(),
    suspend: described(z.boolean().default(false), 'Holds the schedule, not drills made by hand.'),
    maxAge: duration(
      'A system whose last verified restore is older than this is not called proved (condition BackupCurrent); any age will do when absent',
      { min: hour, max: 3650 * day },
    ).optional(),
  }),
  'Proves backups: on the schedule a Restore with mode Drill restores the newest one into a throwaway database and throwaway topics, checks everything and removes them.',
)

/** Standing policy of backups. */
export const backupSchema = checked(
  described(
    z.strictObject({
      schedule: cronSchema('When a backup is made; none by itself when absent').optional(),
      timeZone: timeZoneSchema.default('UTC'),
      suspend: described(z.boolean().default(false), 'Holds the schedule, not backups made by hand.'),
      immediate: described(
        z.boolean().default(false),
        'Whether the first scheduled backup is made at once instead of at the first time of the schedule.',
      ),
      destination: destinationSchema.optional(),
      encryption: encryptionSchema.optional(),
      kafka: kafkaBackupSchema.prefault({}),
      retention: retentionSchema.prefault({}),
      drill: drillSchema.optional(),
      checkInterval: duration('How often the destination is checked by writing, reading and removing a small object', {
        min: minute,
        max: 7 * day,
      }).default('1h'),
      throttle: throttleSchema.optional(),
      compressionLevel: described(compressionLevelSchema.default(1), 'Level of compression, 1 (fast) to 19 (small).'),
      parallelism: described(
        parallelismSchema,
        'Partitions read at once, 1 to 16. Default by profile: Development 1, Staging 2, Production 4.',
      ).optional(),
      deadline: backupDeadlineSchema.default('6h'),
      resources: resourcesSchema.optional(),
    }),
    'Backups: PostgreSQL, Kafka and the state store at one cut. One backup is a resource of kind Backup; this is the policy.',
  ),
  {
    rule: '!has(self.schedule) || has(self.destination)',
    message: 'backup.schedule needs backup.destination',
    path: ['destination'],
    holds: ({ schedule, destination }) => schedule === undefined || destination !== undefined,
  },
  {
    rule: '!has(self.drill) || has(self.destination)',
    message: 'backup.drill needs backup.destination',
    path: ['destination'],
    holds: ({ drill, destination }) => drill === undefined || destination !== undefined,
  },
)

/** Policy of backups as the API server stores it. */
export type BackupPolicy = z.output<typeof backupSchema>
/** See {@link drillSchema}. */
export type DrillPolicy = z.output<typeof drillSchema>
/** See {@link kafkaBackupSchema}. */
export type KafkaBackup = z.output<typeof kafkaBackupSchema>
