import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { aTodoChatbot, find, someFacts } from '../../test/support/builders.ts'
import { withDefaults } from '../api/v1alpha1/defaults.ts'
import type { TodoChatbotSpecInput } from '../api/v1alpha1/todochatbot.ts'
import { desire } from './index.ts'
import { decideReplicas, revertedNumber, wantedReplicas, type ReplicasDecision } from './replicas.ts'
import type { Facts, LiveScale } from './types.ts'

type Audit = NonNullable<NonNullable<TodoChatbotSpecInput['services']>['audit']>

interface Situation {
  readonly audit?: Audit
  readonly live?: LiveScale | undefined
  readonly partitions?: number
  readonly isolated?: boolean
}

const factsOf = ({ live, partitions, isolated = false }: Situation): Facts =>
  someFacts({
    active: { debug: [], boost: [], isolated: isolated ? { audit: { mode: 'ScaleDown', cutOff: [] } } : {} },
    scale: {
      live: live === undefined ? {} : { audit: live },
      partitions: partitions === undefined ? {} : { taskEvents: partitions, taskReminders: 1 },
      keda: false,
    },
  })

const decide = (situation: Situation): ReplicasDecision =>
  decideReplicas(
    { bot: withDefaults(aTodoChatbot({ services: { audit: situation.audit ?? {} } })), facts: factsOf(situation) },
    'audit',
  )

const autoscaling = { min: 2, max: 3, targetLag: 100 }

describe('the number of pods', () => {
  test.each<{ name: string; situation: Situation; says: Partial<ReplicasDecision> }>([
    {
      name: 'is what the spec says',
      situation: { audit: { replicas: 2 } },
      says: { replicas: 2, by: 'Spec', asked: '2' },
    },
    {
      name: 'is bound by the partitions that the brokers report',
      situation: { audit: { replicas: 5 }, partitions: 4 },
      says: { replicas: 4, asked: '4', reason: 'PartitionsBound' },
    },
    {
      name: 'is put back when somebody set another by hand',
      situation: { audit: { replicas: 2 }, live: { replicas: 3, asked: '2' } },
      says: { replicas: 2, by: 'Spec' },
    },
    {
      name: 'stays as it was set by hand where that is adopted',
      situation: { audit: { replicas: 2, manualScaling: 'Adopt' }, live: { replicas: 3, asked: '2' } },
      says: { replicas: 'unmanaged', by: 'Hand', asked: '2', reason: 'SetByHand' },
    },
    {
      name: 'is the spec’s again when the spec was edited after a number was adopted',
      situation: { audit: { replicas: 1, manualScaling: 'Adopt' }, live: { replicas: 3, asked: '2' } },
      says: { replicas: 1, by: 'Spec', asked: '1' },
    },
    {
      name: 'starts at the minimum of an autoscaler',
      situation: { audit: { autoscaling } },
      says: { replicas: 2, by: 'Autoscaler', asked: '2' },
    },
    {
      name: 'is handed to an autoscaler as it is',
      situation: { audit: { autoscaling }, live: { replicas: 3, asked: '3' } },
      says: { replicas: 'unmanaged', by: 'Autoscaler', asked: 'autoscaler', handOver: 3 },
    },
    {
      name: 'is handed to an autoscaler within its bounds, when it was 0 before',
      situation: { audit: { autoscaling }, live: { replicas: 0, asked: '0' } },
      says: { replicas: 'unmanaged', handOver: 2 },
    },
    {
      name: 'is no business of ours once an autoscaler has it',
      situation: { audit: { autoscaling }, live: { replicas: 3, asked: 'autoscaler' } },
      says: { replicas: 'unmanaged', by: 'Autoscaler' },
    },
    {
      name: 'is raised from a 0 set by hand, on which no autoscaler acts',
      situation: { audit: { autoscaling }, live: { replicas: 0, asked: 'autoscaler' } },
      says: { replicas: 'unmanaged', by: 'Autoscaler', handOver: 2 },
    },
    {
      name: 'stays at a 0 set by hand where that is adopted',
      situation: { audit: { autoscaling, manualScaling: 'Adopt' }, live: { replicas: 0, asked: 'autoscaler' } },
      says: { replicas: 'unmanaged', by: 'Hand', reason: 'SetByHand' },
    },
    {
      name: 'is 0 while the worker is isolated, whatever else is asked for',
      situation: { audit: { autoscaling }, live: { replicas: 3, asked: 'autoscaler' }, isolated: true },
      says: { replicas: 0, by: 'Isolation', asked: '0' },
    },
  ])('$name', ({ situation, says }) => {
    expect(decide(situation)).toMatchObject(says)
  })

  test('names the field, the number and the remedy when partitions bind it', () => {
    const { message } = decide({ audit: { replicas: 5 } })
    expect(message).toMatch(/spec\.services\.audit\.replicas is 5, and 3 is useful.*3 partitions.*spec\.kafka\.topics/)
  })

  test('of chat-api is bound by nothing: it consumes no topic', () => {
    const bot = withDefaults(aTodoChatbot({ services: { chatApi: { replicas: 9 } } }))
    expect(decideReplicas({ bot, facts: someFacts() }, 'chatApi')).toMatchObject({ replicas: 9 })
  })
})

/** What the API server does to `spec.replicas` and its annotation when the decision is carried out. */
const carriedOut = (decision: ReplicasDecision, live: LiveScale | undefined): LiveScale => ({
  asked: decision.asked,
  replicas: decision.handOver ?? (decision.replicas === 'unmanaged' ? (live?.replicas ?? 1) : decision.replicas),
})

const anyAudit: fc.Arbitrary<Audit> = fc.record(
  {
    replicas: fc.integer({ min: 0, max: 8 }),
    manualScaling: fc.constantFrom('Revert' as const, 'Adopt' as const),
  },
  { requiredKeys: [] },
)
const anyScaled: fc.Arbitrary<Audit> = fc.record({
  autoscaling: fc.record({
    min: fc.integer({ min: 1, max: 4 }),
    max: fc.integer({ min: 4, max: 8 }),
    targetLag: fc.constant(5),
  }),
  manualScaling: fc.constantFrom('Revert' as const, 'Adopt' as const),
})
const anySituation = fc.record({
  audit: fc.oneof(anyAudit, anyScaled),
  live: fc.option(
    fc.record({
      replicas: fc.integer({ min: 0, max: 9 }),
      asked: fc.constantFrom('0', '1', '2', '3', 'autoscaler'),
    }),
    { nil: undefined },
  ),
  partitions: fc.integer({ min: 1, max: 6 }),
  isolated: fc.boolean(),
})

describe('whatever is asked for and found', () => {
  test('carrying it out leaves nothing to do, after one more look at a first start', () => {
    fc.assert(
      fc.property(anySituation, (situation) => {
        let live = carriedOut(decide(situation), situation.live)
        live = carriedOut(decide({ ...situation, live }), live)
        const settled = decide({ ...situation, live })
        expect(carriedOut(settled, live)).toEqual(live)
        expect(settled.handOver).toBeUndefined()
        expect(revertedNumber(settled, live)).toBeUndefined()
      }),
    )
  })

  test('an autoscaler is never handed a number outside its bounds, nor bounds beyond the partitions', () => {
    fc.assert(
      fc.property(anySituation, (situation) => {
        const { handOver, autoscaler } = decide(situation)
        if (autoscaler === undefined) return
        expect(autoscaler.max).toBeLessThanOrEqual(Math.max(situation.partitions, 1))
        expect(autoscaler.min).toBeLessThanOrEqual(autoscaler.max)
        if (handOver === undefined) return
        expect(handOver).toBeGreaterThanOrEqual(autoscaler.min)
        expect(handOver).toBeLessThanOrEqual(autoscaler.max)
      }),
    )
  })

  test('an isolated worker has no pods and no autoscaler', () => {
    fc.assert(
      fc.property(anySituation, (situation) => {
        const decision = decide({ ...situation, isolated: true })
        expect([wantedReplicas(decision, situation.live?.replicas), decision.autoscaler]).toEqual([0, undefined])
      }),
    )
  })
})

test('a number set by hand is told apart from one that follows an edit', () => {
  expect(revertedNumber(decide({ audit: { replicas: 2 } }), { replicas: 3, asked: '2' })).toBe(3)
  expect(revertedNumber(decide({ audit: { replicas: 2 } }), { replicas: 3, asked: '3' })).toBeUndefined()
})

describe('what is built from it', () => {
  const built = (situation: Situation, facts: Partial<Facts['scale']> = {}) => {
    const known = factsOf(situation)
    return desire(aTodoChatbot({ services: { audit: situation.audit ?? {} } }), {
      ...known,
      scale: { ...known.scale, ...facts },
    })
  }
  const kindsOf = (situation: Situation, facts?: Partial<Facts['scale']>): string[] =>
    built(situation, facts)
      .map(({ object }) => object.kind)
      .filter((kind) => ['HorizontalPodAutoscaler', 'ScaledObject', 'PodDisruptionBudget'].includes(kind))
      .sort()
  const live = { replicas: 3, asked: 'autoscaler' }
  const scaled = { autoscaling: { min: 1, max: 9, targetCPU: 80, targetLag: 50, scaleDownAfter: '90s' } }

  test('leaves spec.replicas out while an autoscaler owns it, and states it otherwise', () => {
    const spec = (situation: Situation) => find(built(situation), 'Deployment', 'todo-audit')['spec']
    expect(spec({ audit: scaled, live })).not.toHaveProperty('replicas')
    expect(spec({ audit: { replicas: 2 } })).toHaveProperty('replicas', 2)
  })

  test('a HorizontalPodAutoscaler looks at the worker’s own container and at its lag, within useful bounds', () => {
    expect(find(built({ audit: scaled, live }), 'HorizontalPodAutoscaler', 'todo-audit')['spec']).toEqual({
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'todo-audit' },
      minReplicas: 1,
      maxReplicas: 3,
      metrics: [
        {
          type: 'ContainerResource',
          containerResource: {
            container: 'audit',
            name: 'cpu',
            target: { type: 'Utilization', averageUtilization: 80 },
          },
        },
        {
          type: 'External',
          external: {
            metric: {
              name: 'todochatbot-consumer-lag',
              selector: { matchLabels: { system: 'todo', worker: 'audit' } },
            },
            target: { type: 'AverageValue', averageValue: '50' },
          },
        },
      ],
      behavior: { scaleDown: { stabilizationWindowSeconds: 90 } },
    })
  })

  test('where KEDA is installed, lag is scaled by a ScaledObject and by nothing else', () => {
    expect(kindsOf({ audit: scaled, live }, { keda: true })).toEqual(['PodDisruptionBudget', 'ScaledObject'])
    const cpuOnly = { autoscaling: { min: 1, max: 2, targetCPU: 80 } }
    expect(kindsOf({ audit: cpuOnly, live }, { keda: true })).toEqual([
      'HorizontalPodAutoscaler',
      'PodDisruptionBudget',
    ])
    const { spec } = find(built({ audit: scaled, live }, { keda: true }), 'ScaledObject', 'todo-audit') as unknown as {
      spec: { triggers: { type: string; metadata: Record<string, string> }[] }
    }
    expect(spec.triggers.map(({ type, metadata }) => [type, metadata['topic'] ?? metadata['value']])).toEqual([
      ['kafka', 'task-events'],
      ['kafka', 'task-reminders'],
      ['cpu', '80'],
    ])
    expect(spec.triggers[0]?.metadata).toMatchObject({ consumerGroup: 'todo-app.todo-audit', lagThreshold: '50' })
  })

  test('where KEDA is installed, it rests while a worker is at no pods by hand, and goes on with them', () => {
    const audit = { ...scaled, manualScaling: 'Adopt' as const }
    const pausedAt = (replicas: number) => {
      const objects = built({ audit, live: { replicas, asked: 'autoscaler' } }, { keda: true })
      return find(objects, 'ScaledObject', 'todo-audit').metadata.annotations?.['autoscaling.keda.sh/paused']
    }
    expect([pausedAt(0), pausedAt(2)]).toEqual(['true', undefined])
  })

  test('a single pod gets no disruption budget by itself, several do, and what is asked for counts', () => {
    expect(kindsOf({ audit: { replicas: 1 } })).toEqual([])
    expect(kindsOf({ audit: { replicas: 2 } })).toEqual(['PodDisruptionBudget'])
    const asked = built({ audit: { replicas: 1, podDisruptionBudget: { minAvailable: '50%' } } })
    expect(find(asked, 'PodDisruptionBudget', 'todo-audit')['spec']).toMatchObject({ minAvailable: '50%' })
  })

  test('pods carry the priority and the spread that were asked for', () => {
    const audit: Audit = {
      priorityClassName: 'business',
      topologySpread: { topologyKey: 'topology.kubernetes.io/zone', maxSkew: 2, whenUnsatisfiable: 'DoNotSchedule' },
    }
    expect(find(built({ audit }), 'Deployment', 'todo-audit')).toMatchObject({
      spec: {
        template: {
          spec: {
            priorityClassName: 'business',
            topologySpreadConstraints: [
              { topologyKey: 'topology.kubernetes.io/zone', maxSkew: 2, whenUnsatisfiable: 'DoNotSchedule' },
            ],
          },
        },
      },
    })
  })
})
