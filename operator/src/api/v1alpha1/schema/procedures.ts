import { z } from 'zod'
import { checked, described, duration, quantity } from './field.ts'
import { intOrPercent } from './int-or-percent.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** How changed pods are brought out. */
export const updateSchema = described(
  z.strictObject({
    progressDeadline: duration(
      'How long the pods of one worker may take to become healthy with a change before it counts as failed',
      { min: 30_000, max: hour },
    ).default('5m'),
    minReady: duration(
      'How long a changed pod must have been ready before it counts and the next one is changed; at most half of progressDeadline is waited. Default by profile: Development 0s, Staging 30s, Production 1m',
      { min: 0, max: hour },
    ).optional(),
    maxErrorPercent: described(
      z.int().min(1).max(100).default(10),
      'A changed worker of which more than this percentage of the requests and events of the last minute failed is not healthy, 1 to 100. Fewer than 20 of them are not judged, and nobody is blamed while a dependency is away.',
    ),
    rollback: described(
      z.enum(['Automatic', 'Never']).default('Automatic'),
      'What follows when changed pods do not become healthy: Automatic returns the worker to its last healthy state and refuses the change until it is edited; Never leaves it for a person. Either way the workers after it are not touched.',
    ),
  }),
  'How changes of configuration, image and resources are rolled out: worker by worker, consumers before chat-api.',
)

/** Steps a remediation may take, mildest first: Recreate replaces failed pods only, Restart all pods of the worker. */
export const remediationActions = ['Recreate', 'Restart', 'RaiseMemory', 'RollBack'] as const
/** One of {@link remediationActions}. */
export type RemediationAction = (typeof remediationActions)[number]

/** Healing of failed workers without a person. */
export const remediationSchema = described(
  z.strictObject({
    enabled: described(z.boolean().default(true), 'Whether failed workers are healed.'),
    unhealthyAfter: duration('How long a worker must be unhealthy before anything is done', {
      min: 10_000,
      max: day,
    }).default('2m'),
    minHealthy: intOrPercent(
      'Nothing is done while fewer workers than this are healthy: then the cause lies outside. A number of workers or a percentage.',
    ).default('50%'),
    // Atomic: what a person applies is the ladder. As a set, server-side apply would only add to the steps of the default.
    ladder: checked(
      described(
        z
          .array(
            described(
              z.enum(remediationActions),
              'A step: Recreate deletes the failed pods, Restart rolls all pods of the worker, RaiseMemory gives its container more memory up to maxMemory until its resources are edited, RollBack returns to the last healthy template where spec.update.rollback is Automatic.',
            ),
          )
          .min(1)
          .max(4),
        'What may be done, in this order, each step once; each signal takes the steps of the ladder that can heal it.',
      ).meta({ 'x-kubernetes-list-type': 'atomic' }),
      {
        rule: 'self.all(step, self.exists_one(other, other == step))',
        message: 'each step may be there once',
        holds: (steps) => new Set(steps).size === steps.length,
      },
    ).default(['Recreate', 'Restart', 'RaiseMemory', 'RollBack']),
    actionsPerHour: described(z.int().min(0).max(20).default(6), 'Most actions per hour over all workers, 0 to 20.'),
    healthyDelay: duration('How long a worker must be healthy after an action before the action counts as a success', {
      min: 1_000,
      max: hour,
    }).default('1m'),
    stormCooldown: duration(
      'How long nothing is done after a storm (more workers fail at once than minHealthy allows)',
      {
        min: 10_000,
        max: day,
      },
    ).default('10m'),
    maxMemory: quantity(
      'Largest memory limit RaiseMemory may give the container of a worker; default twice its ordinary limit.',
    ).optional(),
  }),
  'Heals failed workers by a ladder of actions with a budget. Never two actions at once in one system.',
)

/** How objects that nobody needs any more are found and removed. */
const cleanupPolicy = (what: string, fallback: 'Report' | 'Delete') =>
  described(
    z.enum(['Ignore', 'Report', 'Delete']).default(fallback),
    `${what}: Ignore, Report in status.checks, or Delete after they were reported.`,
  )

/** Routine checks and clean-up. */
export const maintenanceSchema = described(
  z.strictObject({
    checks: described(
      z.strictObject({
        interval: duration('How often the routine checks run', { min: 10_000, max: day }).default('5m'),
      }),
      'Routine checks; their results are in status.checks. The annotation todochatbot.dev/check with any new value runs them at once.',
    ).prefault({}),
    cleanup: described(
      z.strictObject({
        finishedJobs: duration('How long finished Jobs are kept', { min: minute, max: 365 * day }).default('24h'),
        failedPods: duration('How long evicted and failed pods are kept', { min: minute, max: 365 * day }).default(
          '24h',
        ),
        events: duration('How long Events of this operator are kept, when the cluster keeps them longer', {
          min: hour,
          max: 365 * day,
        }).default('168h'),
        incidents: duration('How long finished Incidents are kept; their archives stay on the volume', {
          min: hour,
          max: 3650 * day,
        }).default('720h'),
        orphanTopics: cleanupPolicy('Topics with the prefix of this system that it does not use any more', 'Report'),
        orphanObjects: cleanupPolicy(
          'ConfigMaps and Secrets with the labels of this system that it does not use any more',
          'Report',
        ),
      }),
      'Clean-up.',
    ).prefault({}),
  }),
  'Routine checks and clean-up.',
)

/** Rollout policy as the API server stores it. */
export type Update = z.output<typeof updateSchema>
/** Remediation policy as the API server stores it. */
export type Remediation = z.output<typeof remediationSchema>
/** Checks and clean-up as the API server stores them. */
export type Maintenance = z.output<typeof maintenanceSchema>
