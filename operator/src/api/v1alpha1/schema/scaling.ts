import { z } from 'zod'
import { checked, described, duration, objectName, text } from './field.ts'
import { intOrPercent } from './int-or-percent.ts'

const percentage = (of: string) =>
  described(
    z.int().min(1).max(1000),
    `Average ${of} of the pods in percent of what they request that the autoscaler aims at, 1 to 1000.`,
  )

/** Autoscaling of one worker: a HorizontalPodAutoscaler (autoscaling/v2), or a ScaledObject where KEDA is installed and lag is a target. */
export const autoscalingSchema = checked(
  described(
    z.strictObject({
      min: described(z.int().min(1).max(100).default(1), 'Fewest pods, 1 to 100.'),
      max: described(
        z.int().min(1).max(100),
        'Most pods, 1 to 100. A consumer has no use for more pods than its topic has partitions: the excess is not started, and a condition says so.',
      ),
      targetCPU: percentage('CPU use').optional(),
      targetMemory: percentage('memory use').optional(),
      targetLag: described(
        z.int().min(1).max(1_000_000),
        'Events of its topics that wait for each pod of a consumer, 1 to 1000000: the autoscaler adds pods while more of them wait.',
      ).optional(),
      scaleDownAfter: duration('How long less load must last before pods are removed', {
        min: 0,
        max: 3_600_000,
      }).default('5m'),
    }),
    'Lets the load decide the number of pods, instead of replicas.',
  ),
  {
    rule: 'self.min <= self.max',
    message: 'autoscaling.min must not exceed autoscaling.max',
    path: ['min'],
    holds: ({ min, max }) => min <= max,
  },
  {
    rule: 'has(self.targetCPU) || has(self.targetMemory) || has(self.targetLag)',
    message: 'autoscaling needs at least one of targetCPU, targetMemory and targetLag',
    holds: ({ targetCPU, targetMemory, targetLag }) => (targetCPU ?? targetMemory ?? targetLag) !== undefined,
  },
)

/** What becomes of a replica count that somebody sets on the Deployment by hand. */
export const manualScalingSchema = described(
  z.enum(['Revert', 'Adopt']),
  'What becomes of a hand-made `kubectl scale deployment`: Revert puts replicas back, Adopt keeps the hand-made number until replicas is edited; an Event says which. Default Revert.',
)

/** PodDisruptionBudget of one worker. */
export const podDisruptionBudgetSchema = checked(
  described(
    z.strictObject({
      minAvailable: intOrPercent('Pods that must stay, as a number or a percentage such as "50%".').optional(),
      maxUnavailable: intOrPercent('Pods that may go, as a number or a percentage such as "50%".').optional(),
    }),
    'How many pods a node drain may take at once. Default: maxUnavailable 1 for a worker with more than one pod, none for a single pod, because that would block drains for ever.',
  ),
  {
    rule: 'has(self.minAvailable) != has(self.maxUnavailable)',
    message: 'podDisruptionBudget needs exactly one of minAvailable and maxUnavailable',
    holds: ({ minAvailable, maxUnavailable }) => (minAvailable === undefined) !== (maxUnavailable === undefined),
  },
)

/** How the pods of one worker are spread. */
export const topologySpreadSchema = described(
  z.strictObject({
    topologyKey: text({
      description: 'Label of nodes whose values are the places to spread over.',
      pattern: '^[a-zA-Z0-9]([-a-zA-Z0-9_./]*[a-zA-Z0-9])?$',
      message: 'topologyKey must be a label key of nodes, such as topology.kubernetes.io/zone',
      max: 253,
    }).default('kubernetes.io/hostname'),
    maxSkew: described(z.int().min(1).max(100).default(1), 'Largest difference in pods between two places, 1 to 100.'),
    whenUnsatisfiable: described(
      z.enum(['ScheduleAnyway', 'DoNotSchedule']).default('ScheduleAnyway'),
      'Whether a pod that cannot be spread runs anyway or waits.',
    ),
  }),
  'How pods are spread over nodes or zones. Default: over nodes where possible, never at the price of not running.',
)

/** Priority class of the pods of one worker. */
export const priorityClassNameSchema = objectName('PriorityClass of the pods; it has to exist.')

/** Autoscaling as the API server stores it. */
export type Autoscaling = z.output<typeof autoscalingSchema>
/** A PodDisruptionBudget of a spec. */
export type PodDisruptionBudget = z.output<typeof podDisruptionBudgetSchema>
/** Spreading of pods as the API server stores it. */
export type TopologySpread = z.output<typeof topologySpreadSchema>
