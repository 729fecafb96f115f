/**
 * What the one-shot kinds have in common: an immutable spec about one system, a Job named after the resource, phases of which the last three
 * are final, a deadline on every other one, and the conditions of kstatus. A new kind states its own spec, its own phases and what its status
 * adds; the rest is here, so that `kubectl wait`, GitOps tools and people meet the same contract everywhere. Pure.
 */
import { z } from 'zod'
import { mergeConditions, type ConditionUpdate } from './conditions.ts'
import type { KubeObject, ObjectMeta } from './kubernetes.ts'
import { maxNameLength } from './names.ts'
import { problemsOf, type SpecProblem } from './problems.ts'
import { described, text, type Rule } from './schema/field.ts'
import { conditionSchema, type Condition } from './schema/status.ts'

/** `spec.system`: the system a one-shot resource is about. */
export const systemSchema = text({
  description: 'Name of the TodoChatbot in the same namespace.',
  pattern: '^[a-z]([-a-z0-9]*[a-z0-9])?$',
  message: 'system must be the name of a TodoChatbot in the same namespace',
  max: maxNameLength,
})

/** The rule that makes a spec immutable. `kind` with its article, such as `a Backup`. */
export const immutable = (kind: string): Rule => ({
  rule: 'self == oldSelf',
  message: `the spec of ${kind} cannot be changed; create another ${kind.replace(/^an? /, '')}`,
})

/** Rules on the name of a resource that a Job is named after: `<name>-<suffix>` must fit a label. */
export const jobNameRules = (maxName: number): readonly Rule[] => [
  {
    rule: `size(self.metadata.name) <= ${String(maxName)}`,
    message: `metadata.name may be at most ${String(maxName)} characters long, because a Job is named after it`,
  },
  {
    rule: "self.metadata.name.matches(r'^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
    message: 'metadata.name must hold lower-case letters, digits and "-" only, because a Job is named after it',
  },
]

/** Phases after which nothing more happens. */
export const finalPhases = ['Succeeded', 'PartiallySucceeded', 'Failed'] as const
/** One of {@link finalPhases}. */
export type FinalPhase = (typeof finalPhases)[number]

/** An RFC 3339 time in a status. */
export const time = (description: string): z.ZodString =>
  described(z.string().max(64), description).meta({ format: 'date-time' })

const common = {
  observedGeneration: described(
    z.int(),
    'Generation this status speaks about; -1 until the operator has seen it.',
  ).default(-1),
  summary: described(z.string().max(1024), 'One line for `kubectl get`.').optional(),
  conditions: described(z.array(conditionSchema).max(8), 'Ready, Reconciling and Stalled as in kstatus.')
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] })
    .optional(),
  startedAt: time('When the operator began.').optional(),
  deadline: time('When it is given up; what waits for it goes on then.').optional(),
  finishedAt: time('When it ended.').optional(),
}

/** Fields of every status of a one-shot kind. `phases` holds the final ones, too. */
export const oneShotStatus = <const P extends readonly [string, ...string[]]>(
  phases: P,
  phaseDescription: string,
): typeof common & { readonly phase: z.ZodOptional<z.ZodEnum<{ [K in P[number]]: K }>> } => ({
  ...common,
  phase: described(z.enum(phases), phaseDescription).optional(),
})

/** A one-shot resource as it is read from the API server. */
export interface OneShot<Spec, Status> {
  readonly metadata: ObjectMeta & { readonly namespace: string; readonly uid: string; readonly generation: number }
  readonly spec: Spec
  readonly status?: Status
}

/** What reading a one-shot resource gives: problems only for objects stored under another schema. */
export type OneShotParsed<Spec, Status> =
  { readonly resource: OneShot<Spec, Status> } | { readonly problems: readonly SpecProblem[] }

/** Makes the reader of a kind. */
export const oneShotParser =
  <S extends z.ZodType, Status>(specSchema: S) =>
  (object: KubeObject): OneShotParsed<z.output<S>, Status> => {
    const spec = specSchema.safeParse(object['spec'])
    if (!spec.success) return { problems: problemsOf(spec.error, 'spec') }
    const { namespace = '', uid = '', generation = 1 } = object.metadata
    const status = object['status'] as Status | undefined
    return {
      resource: {
        metadata: { ...object.metadata, namespace, uid, generation },
        spec: spec.data,
        ...(status === undefined ? {} : { status }),
      },
    }
  }

/** Whether nothing more will happen. */
export const isFinished = (status: { readonly phase?: string | undefined } | undefined): boolean =>
  (finalPhases as readonly (string | undefined)[]).includes(status?.phase)

/** kstatus: Reconciling until it is finished; Ready when there is a result; Stalled when there never will be. @param now RFC 3339 */
export const oneShotConditions = (
  before: readonly Condition[] | undefined,
  { phase, message, generation, now }: { phase: string; message: string; generation: number; now: string },
): Condition[] => {
  const done = phase === 'Succeeded' || phase === 'PartiallySucceeded'
  const going = !done && phase !== 'Failed'
  const said = { reason: phase, message: message.slice(0, 4096) }
  const updates: ConditionUpdate[] = [
    { type: 'Ready', status: done ? 'True' : going ? 'Unknown' : 'False', ...said },
    going
      ? { type: 'Reconciling', status: 'True', ...said }
      : { type: 'Reconciling', status: 'False', reason: 'Done', message: 'Nothing to do' },
    phase === 'Failed'
      ? { type: 'Stalled', status: 'True', ...said }
      : { type: 'Stalled', status: 'False', reason: 'AsExpected', message: 'Nothing is stuck' },
  ]
  return mergeConditions(before, updates, generation, now)
}
