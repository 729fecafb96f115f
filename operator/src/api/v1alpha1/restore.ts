import { z } from 'zod'
import { finalPhases, immutable, oneShotParser, oneShotStatus, systemSchema, time, type OneShot } from './one-shot.ts'
import { destinationSchema } from './schema/destination.ts'
import { checked, described, duration, objectName, secretKey, text, timestamp, withRules } from './schema/field.ts'
import { reasonSchema } from './schema/temporary.ts'

/** Kind of the resource: one immutable restore of one backup. */
export const restoreKind = 'Restore'
/** Plural, as in URLs and RBAC rules. */
export const restorePlural = 'restores'

/** Longest name of a Restore: `<name>-validate` names a Job, whose pods carry it as a label. */
export const maxRestoreName = 50

/** InPlace: over what is there. NewSystem: into one that holds nothing yet. Drill: into a throwaway, and nothing of the system is touched. */
export const restoreModes = ['InPlace', 'NewSystem', 'Drill'] as const
/** One of {@link restoreModes}. */
export type RestoreMode = (typeof restoreModes)[number]

/** What asked for a restore. */
export const restoreTriggers = ['Manual', 'Schedule'] as const

const minute = 60_000

/** Where the backup comes from. */
const sourceSchema = checked(
  described(
    z.strictObject({
      backup: objectName('Name of a Backup in the same namespace.').optional(),
      path: text({
        description:
          'Folder of a backup below the destination (spec.backup.destination of the system, or source.destination): a backup whose Backup resource is gone, or one of another system or cluster.',
        pattern: '^[-._a-zA-Z0-9]+(/[-._a-zA-Z0-9]+)*$',
        message: 'path must be names of letters, digits, "-", "_" and ".", separated by single slashes',
        max: 512,
      }).optional(),
      destination: destinationSchema.optional(),
      publicKeySecretRef: described(
        z.strictObject({
          name: objectName('Name of the Secret.'),
          key: secretKey('Key that holds the PEM of the Ed25519 public key.').default('public.pem'),
        }),
        'Key that the signature is verified with; default: the own key of the system. Needed for backups of another system.',
      ).optional(),
    }),
    'What is restored: exactly one of backup and path.',
  ),
  {
    rule: 'has(self.backup) != has(self.path)',
    message: 'source needs exactly one of backup and path',
    holds: ({ backup, path }) => (backup === undefined) !== (path === undefined),
  },
)

/** Up to where what happened after the cut takes effect again. */
const untilSchema = checked(
  described(
    z.strictObject({
      time: timestamp(
        'Moment up to which the records of the log in Kafka take effect again. Needs the log from the cut on; works when the database is lost.',
      ).optional(),
      auditSequence: described(
        z.int().min(1),
        'Number of the last entry of the audit trail that is restored, as GET /api/v1/audit shows it. Needs the database in use.',
      ).optional(),
    }),
    'Goes on after the cut of the backup: every change up to here takes effect again, once, and nobody is told of it. Exactly one of time and auditSequence; default: the cut.',
  ),
  {
    rule: 'has(self.time) != has(self.auditSequence)',
    message: 'until needs exactly one of time and auditSequence',
    holds: ({ time: moment, auditSequence }) => (moment === undefined) !== (auditSequence === undefined),
  },
)

/** The whole spec of a Restore. */
export const restoreSpecSchema = withRules(
  checked(
    described(
      z.strictObject({
        system: systemSchema,
        mode: described(
          z.enum(restoreModes).default('InPlace'),
          'InPlace replaces the data of the system. NewSystem fills a system that holds none, and refuses any other. Drill restores into a throwaway database and throwaway topics, checks everything and removes them.',
        ),
        source: sourceSchema,
        until: untilSchema.optional(),
        trigger: described(
          z.enum(restoreTriggers).default('Manual'),
          'What asked for it: Schedule is set by the operator (spec.backup.drill of the system), Manual is for people.',
        ),
        safetyBackup: described(
          z.strictObject({ skip: described(z.literal(true), 'No backup of the present state.'), reason: reasonSchema }),
          'Restores without a backup of the present state. The database as it was is kept all the same until this Restore is deleted.',
        ).optional(),
        signature: described(
          z.strictObject({
            ignore: described(z.literal(true), 'The signature is not looked at.'),
            reason: reasonSchema,
          }),
          'Takes a backup whose signature cannot be verified. Checksums are verified all the same.',
        ).optional(),
        deadline: duration('How long the restore may take in all; then it is given up and the old state kept', {
          min: minute,
          max: 7 * 24 * 60 * minute,
        }).default('2h'),
      }),
      'What to restore, and how. Cannot be changed: make another Restore.',
    ),
    {
      rule: "!has(self.until) || self.mode != 'NewSystem'",
      message:
        'until needs the log or the audit trail of the system itself, which a NewSystem does not have: use InPlace or Drill',
      holds: ({ until, mode }) => until === undefined || mode !== 'NewSystem',
    },
  ),
  immutable('a Restore'),
)

/** Phases; the last three are final. */
export const restorePhases = ['Pending', 'Running', ...finalPhases] as const
/** One of {@link restorePhases}. */
export type RestorePhase = (typeof restorePhases)[number]

/** Every step there is; which of them a Restore takes, and in which order, is in reconcile/restore/ledger.ts. */
export const restoreSteps = [
  'Check',
  'Database',
  'SafetyBackup',
  'Fence',
  'Reapply',
  'Topics',
  'Switch',
  'Undo',
  'Unfence',
  'Validate',
  'CleanUp',
] as const
/** One of {@link restoreSteps}. */
export type RestoreStep = (typeof restoreSteps)[number]

/** Where a step is. */
export const stepStates = ['Pending', 'Running', 'Succeeded', 'Failed', 'Skipped'] as const

const stepSchema = described(
  z.object({
    name: described(z.enum(restoreSteps), 'The step.'),
    state: described(z.enum(stepStates), 'Where it is.'),
    startedAt: time('When it began.').optional(),
    deadline: time('When it is given up.').optional(),
    finishedAt: time('When it ended.').optional(),
    message: described(z.string().max(2048), 'What it waits for, or what came of it.').optional(),
  }),
  'One step of the ledger, in the order they are taken.',
)

/** Observed state of a Restore; written by the operator only. */
export const restoreStatusSchema = described(
  z.object({
    ...oneShotStatus(
      restorePhases,
      'Succeeded: restored, and the services agree. PartiallySucceeded: restored, and violations says what does not agree. Failed: the state before is in use, or was put back.',
    ),
    steps: described(z.array(stepSchema).max(16), 'The ledger: what is done, what is going on, what comes.')
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
      .optional(),
    progress: described(
      z.object({
        percent: described(z.int().min(0).max(100), 'Share of the running step.'),
        bytes: described(z.int(), 'Bytes of it.').optional(),
        part: described(z.string().max(256), 'What is being read.').optional(),
      }),
      'How far the running step is.',
    ).optional(),
    path: described(z.string().max(512), 'Folder of the backup below the destination.').optional(),
    manifestSha256: described(z.string().max(64), 'SHA-256 of its manifest.').optional(),
    cutAt: time('The cut of the backup: the moment that is restored, unless reapplied names a later one.').optional(),
    auditSequence: described(z.int(), 'Number of the last audit entry of the restored state.').optional(),
    reapplied: described(
      z.object({
        until: time('The moment that is restored.'),
        entries: described(z.int(), 'Entries of the audit trail after the cut.'),
      }),
      'What took effect again after the cut (spec.until).',
    ).optional(),
    safetyBackup: described(z.string().max(253), 'Backup of the state before; restore it to go back.').optional(),
    databaseBefore: described(
      z.string().max(63),
      'Database that holds the state before, until this Restore is deleted or a later one succeeds.',
    ).optional(),
    violations: described(
      z.array(z.string().max(512)).max(20),
      'What could not be restored, or does not agree across the services after the restore.',
    ).optional(),
    measured: described(
      z.object({
        rto: described(z.int(), 'Seconds from the beginning to workers that are back, or to the end of a drill.'),
        outage: described(z.int(), 'Seconds during which the workers were away.').optional(),
        rpo: described(z.int(), 'Seconds between the moment that is restored and the beginning of the restore.'),
      }),
      'What the restore took.',
    ).optional(),
  }),
  'Observed state.',
)

/** Spec of a Restore as the API server stores it. */
export type RestoreSpec = z.output<typeof restoreSpecSchema>
/** Status of a Restore. */
export type RestoreStatus = z.output<typeof restoreStatusSchema>
/** One entry of the ledger. */
export type StepStatus = z.output<typeof stepSchema>

/** One restore. */
export type Restore = OneShot<RestoreSpec, RestoreStatus>

/** Reads a Restore as the API server returns it. */
export const parseRestore = oneShotParser<typeof restoreSpecSchema, RestoreStatus>(restoreSpecSchema)
