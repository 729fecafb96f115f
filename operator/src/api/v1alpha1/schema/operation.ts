import { z } from 'zod'
import { described } from './field.ts'

/** What an admin may do with an operation, each an edit or an annotation; see the description of `allowedVerbs`. */
export const operationVerbs = ['Pause', 'Resume', 'Revert', 'Retry', 'RetryMigration', 'EndIsolation'] as const
/** One of {@link operationVerbs}. */
export type OperationVerb = (typeof operationVerbs)[number]

/** `status.operation`. */
export const operationSchema = described(
  z.object({
    id: described(z.string(), 'Identity of this run.').optional(),
    kind: described(z.string(), 'What is going on, such as Install, Update or Delete.'),
    step: described(z.string(), 'Where it is.'),
    startedAt: described(z.string(), 'When it started.').meta({ format: 'date-time' }).optional(),
    deadline: described(z.string(), 'When it is given up or reported as stalled.')
      .meta({ format: 'date-time' })
      .optional(),
    blockedBy: described(
      z.object({
        rule: described(z.string(), 'The rule that holds it, such as DependencyNotReady.'),
        object: described(z.string(), 'The object it waits for, such as StatefulSet/todo-kafka.'),
        message: described(z.string().max(4096), 'What that object says.'),
      }),
      'Why it is not moving.',
    ).optional(),
    allowedVerbs: described(
      z.array(z.enum(operationVerbs)).max(operationVerbs.length),
      'What an admin may do with it now. Pause: set spec.paused. Resume: remove spec.paused. Revert: put the fields that were changed back; what is rolled out returns to what runs. Retry: change the annotation todochatbot.dev/restart, or restartedAt of the worker, and a refused change is tried again. RetryMigration: change the annotation todochatbot.dev/retry-migration. EndIsolation: remove spec.services.<worker>.isolated.',
    ).optional(),
  }),
  'What the operator is doing, and what holds it.',
)

/** What the operator is doing, and what holds it. */
export type OperationStatus = z.output<typeof operationSchema>
