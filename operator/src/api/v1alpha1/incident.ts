import { z } from 'zod'
import type { KubeObject } from './kubernetes.ts'
import { workerNames } from './names.ts'
import { finalPhases, immutable, oneShotParser, oneShotStatus, systemSchema, type OneShot } from './one-shot.ts'
import type { SpecProblem } from './problems.ts'
import { described, withRules } from './schema/field.ts'
import { bySchema, reasonSchema } from './schema/temporary.ts'

/** Kind of the resource: one immutable collection of evidence about one worker. */
export const incidentKind = 'Incident'
/** Plural, as in URLs and RBAC rules. */
export const incidentPlural = 'incidents'

/** Longest name of an Incident: `<name>-evidence` names a Job, whose pods carry it as a label. */
export const maxIncidentName = 54

/** What asked for the evidence. */
export const incidentTriggers = ['Isolation', 'Remediation', 'Manual'] as const
/** One of {@link incidentTriggers}. */
export type IncidentTrigger = (typeof incidentTriggers)[number]

/** Kebab-case names of the workers, as a closed set. */
const workers = Object.values(workerNames)

/** The whole spec of an Incident. */
export const incidentSpecSchema = withRules(
  described(
    z.strictObject({
      system: systemSchema,
      worker: described(z.enum(workers), 'Worker whose evidence is collected.'),
      trigger: described(
        z.enum(incidentTriggers).default('Manual'),
        'What asked for it: Isolation and Remediation are set by the operator, Manual is for people.',
      ),
      reason: reasonSchema,
      by: bySchema.optional(),
    }),
    'What to collect evidence about. Cannot be changed: make another Incident.',
  ),
  immutable('an Incident'),
)

/** Phases; the last three are final. Pending and Collecting end at `deadline` at the latest. */
export const incidentPhases = ['Pending', 'Collecting', ...finalPhases] as const
/** One of {@link incidentPhases}. */
export type IncidentPhase = (typeof incidentPhases)[number]

/** What an archive holds, by kind of evidence. */
const collectedSchema = z.object({
  what: described(z.string().max(128), 'Kind of evidence, such as logs.'),
  files: described(z.int(), 'Files in the archive.'),
  bytes: described(z.int(), 'Bytes of these files.'),
  truncated: described(z.int(), 'Files of which only the newest part fitted.').optional(),
})

/** What an archive does not hold. */
const missingSchema = z.object({
  what: described(z.string().max(256), 'What is missing, such as logs of a container.'),
  why: described(z.string().max(1024), 'Why.'),
})

/** Observed state of an Incident; written by the operator only. */
export const incidentStatusSchema = described(
  z.object({
    ...oneShotStatus(
      incidentPhases,
      'Succeeded: everything is in the archive. PartiallySucceeded: an archive exists, missing says what is not in it. Failed: there is no archive.',
    ),
    archive: described(
      z.object({
        claim: described(z.string().max(253), 'PersistentVolumeClaim that holds the archive.'),
        path: described(z.string().max(253), 'Path inside the volume.'),
        bytes: described(z.int(), 'Size in bytes.').optional(),
        sha256: described(z.string().max(64), 'SHA-256 of the archive, hexadecimal.').optional(),
      }),
      'Where the evidence is: a tar.gz with a manifest.json that holds the checksum of each file.',
    ).optional(),
    collected: described(z.array(collectedSchema).max(32), 'What the archive holds.').optional(),
    missing: described(z.array(missingSchema).max(64), 'What it does not hold, and why.').optional(),
  }),
  'Observed state.',
)

/** Spec of an Incident as the API server stores it. */
export type IncidentSpec = z.output<typeof incidentSpecSchema>
/** Status of an Incident. */
export type IncidentStatus = z.output<typeof incidentStatusSchema>

/** One collection of evidence. */
export type Incident = OneShot<IncidentSpec, IncidentStatus>

const parse = oneShotParser<typeof incidentSpecSchema, IncidentStatus>(incidentSpecSchema)

/** Reads an Incident as the API server returns it; problems only for objects stored under another schema. */
export const parseIncident = (
  object: KubeObject,
): { readonly incident: Incident } | { readonly problems: readonly SpecProblem[] } => {
  const parsed = parse(object)
  return 'problems' in parsed ? parsed : { incident: parsed.resource }
}

export { isFinished } from './one-shot.ts'
