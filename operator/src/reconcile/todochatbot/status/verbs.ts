/**
 * `status.operation.allowedVerbs`: what an admin may do with the operation that is under way. Each verb is an edit of the resource or an
 * annotation that takes effect now; one that would only wait is not listed. Pure. Proof: verbs.test.ts, operator/test/yields.integration.test.ts.
 */
import type { OperationVerb } from '../../../api/v1alpha1/schema/operation.ts'

/** What the verbs depend on. */
export interface VerbInput {
  readonly paused: boolean
  /** Some worker is isolated, or its evidence is being taken. */
  readonly isolated: boolean
  readonly migrationFailed: boolean
  /** Pods of a template that is not known to be healthy are coming up. */
  readonly rolling: boolean
  /** A change was refused and is not tried again by itself. */
  readonly refused: boolean
}

/** The verbs, in the order of the schema. */
export function allowedVerbs({ paused, isolated, migrationFailed, rolling, refused }: VerbInput): OperationVerb[] {
  const allowed: Readonly<Record<OperationVerb, boolean>> = {
    Pause: !paused,
    Resume: paused,
    Revert: !paused && (rolling || refused),
    Retry: !paused && refused,
    RetryMigration: !paused && migrationFailed,
    EndIsolation: isolated,
  }
  return (Object.keys(allowed) as OperationVerb[]).filter((verb) => allowed[verb])
}
