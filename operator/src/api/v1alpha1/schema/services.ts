import { z } from 'zod'
import { checked, described, text } from './field.ts'
import { imageSchema } from './images.ts'
import { resourcesSchema } from './resources.ts'
import {
  autoscalingSchema,
  manualScalingSchema,
  podDisruptionBudgetSchema,
  priorityClassNameSchema,
  topologySpreadSchema,
} from './scaling.ts'
import { boostSchema, debugUntilSchema, isolatedSchema } from './temporary.ts'

/** The four workers as the spec names them, in the order they roll out: consumers first, chat-api last. */
export const workerFields = ['audit', 'recurringTask', 'notification', 'chatApi'] as const
/** One of {@link workerFields}. */
export type WorkerField = (typeof workerFields)[number]

/** Levels of the workers' loggers. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error'] as const

const serviceSchema = (what: string, replicas: string) =>
  checked(
    described(
      z.strictObject({
        replicas: described(
          z.int().min(0).max(100),
          `Number of pods, 0 to 100; 0 stops the worker. Default by profile: ${replicas}.`,
        ).optional(),
        autoscaling: autoscalingSchema.optional(),
        manualScaling: manualScalingSchema.optional(),
        resources: resourcesSchema.optional(),
        boost: boostSchema.optional(),
        debugUntil: debugUntilSchema.optional(),
        isolated: isolatedSchema.optional(),
        podDisruptionBudget: podDisruptionBudgetSchema.optional(),
        topologySpread: topologySpreadSchema.optional(),
        priorityClassName: priorityClassNameSchema.optional(),
        logLevel: described(
          z.enum(logLevels),
          'Log level; changes without a restart. Default by profile: Development debug, Staging and Production info.',
        ).optional(),
        config: described(
          z.record(z.string(), z.unknown()),
          "Settings of this worker, validated by the worker's own schema before anything rolls (docs/api.md lists them).",
        )
          .meta({ 'x-kubernetes-preserve-unknown-fields': true })
          .optional(),
        restartedAt: text({
          description: 'Any change restarts the pods of this worker one by one; by convention the present time.',
          pattern: '^[-+:.TZ0-9a-z]+$',
          message:
            'restartedAt should be the present time, such as 2026-12-31T18:00:00Z; letters, digits, ":", ".", "+" and "-" are allowed',
          max: 63,
        }).optional(),
        image: imageSchema.optional(),
      }),
      what,
    ),
    {
      rule: '!has(self.replicas) || !has(self.autoscaling)',
      message: 'replicas and autoscaling exclude each other: remove replicas, or set autoscaling.min',
      path: ['replicas'],
      holds: ({ replicas, autoscaling }) => replicas === undefined || autoscaling === undefined,
    },
  ).prefault({})

/** The four workers. */
export const servicesSchema = checked(
  described(
    z.strictObject({
      chatApi: serviceSchema('HTTP API and chat, port 8000.', 'Development 1, Staging 2, Production 3'),
      recurringTask: serviceSchema(
        'Makes the next instance of a completed recurring task, port 3001.',
        'Development 1, Staging 1, Production 2',
      ),
      notification: serviceSchema('Fires reminders, port 3002.', 'Development 1, Staging 1, Production 2'),
      audit: serviceSchema('Writes and verifies the audit log, port 3003.', 'Development 1, Staging 1, Production 2'),
    }),
    'The four workers.',
  ),
  {
    rule: '!has(self.chatApi) || !has(self.chatApi.autoscaling) || !has(self.chatApi.autoscaling.targetLag)',
    message: 'chatApi.autoscaling.targetLag has no meaning: chat-api takes no events; use targetCPU or targetMemory',
    path: ['chatApi', 'autoscaling', 'targetLag'],
    holds: ({ chatApi }) => chatApi.autoscaling?.targetLag === undefined,
  },
)

/** Services part of a spec as the API server stores it. */
export type Services = z.output<typeof servicesSchema>
/** One worker of a spec. */
export type Service = Services['chatApi']
