import fc from 'fast-check'
import { expect, test } from 'vitest'
import { remediationActions } from '../../../api/v1alpha1/schema/procedures.ts'
import type { RemediationStatus, ServiceStatus, Storm } from '../../../api/v1alpha1/schema/status.ts'
import { countOf } from '../../../api/v1alpha1/schema/int-or-percent.ts'
import { episodeEnd, isUnderWay, timeOf } from './episode.ts'
import { signalKinds, type Signal } from './signals.ts'
import { ledgerLength, step } from './step.ts'
import type { Policy, StepInput, WorkerState } from './types.ts'

/**
 * A world that changes at random, looked at at random times by an operator that remembers nothing but what the steps before wrote, with
 * actions that are carried out late or never. Whatever happens, the invariants of step.ts hold.
 */
const names = ['audit', 'recurring-task', 'notification', 'chat-api']
const start = Date.parse('2026-01-01T00:00:00Z')

interface Look {
  /** s since the look before. */
  readonly after: number
  /** Signal of each worker, or none; acute or not. */
  readonly troubles: readonly (readonly [(typeof signalKinds)[number], boolean] | null)[]
  readonly outside: boolean
  readonly frozen: boolean
  readonly done: boolean
  readonly edited: boolean
  readonly exempt: boolean
}

const look: fc.Arbitrary<Look> = fc.record({
  after: fc.oneof(fc.nat(60), fc.nat(1_200)),
  troubles: fc.array(fc.option(fc.tuple(fc.constantFrom(...signalKinds), fc.boolean()), { freq: 2 }), {
    minLength: 4,
    maxLength: 4,
  }),
  outside: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  frozen: fc.integer({ min: 0, max: 19 }).map((n) => n === 0),
  done: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
  edited: fc.integer({ min: 0, max: 29 }).map((n) => n === 0),
  exempt: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
})

const policies: fc.Arbitrary<Policy> = fc.record({
  enabled: fc.constant(true),
  unhealthyAfter: fc.integer({ min: 10, max: 300 }).map((s) => s * 1000),
  healthyDelay: fc.integer({ min: 1, max: 120 }).map((s) => s * 1000),
  stormCooldown: fc.integer({ min: 10, max: 900 }).map((s) => s * 1000),
  minHealthy: fc.constantFrom('50%', '25%', 1, 0, '100%'),
  ladder: fc.shuffledSubarray([...remediationActions], { minLength: 1 }),
  actionsPerHour: fc.nat(8),
  recovery: fc.integer({ min: 30, max: 600 }).map((s) => s * 1000),
})

test('whatever happens, remediation keeps its promises', () => {
  fc.assert(
    fc.property(policies, fc.array(look, { minLength: 1, maxLength: 60 }), (policy, looks) => {
      let now = start
      let generation = 1
      let ledger: readonly RemediationStatus[] = []
      let storm: Storm | undefined
      let told = new Map<string, NonNullable<ServiceStatus['unhealthy']>>()
      const since = new Map<string, number>()
      const begun: RemediationStatus[] = []

      for (const { after, troubles, outside, frozen, done, edited, exempt } of looks) {
        now += after * 1000
        if (edited) generation += 1
        const workers = names.map((name, index): WorkerState => {
          const trouble = troubles[index] ?? null
          if (trouble === null) since.delete(name)
          else since.set(name, since.get(name) ?? now)
          const signals: Signal[] =
            trouble === null
              ? []
              : [
                  {
                    kind: trouble[0],
                    since: since.get(name) ?? now,
                    object: `Pod/${name}`,
                    detail: 'x',
                    pods: [name],
                    acute: trouble[1],
                  },
                ]
          const before = told.get(name)
          return {
            name,
            signals,
            ready: trouble === null,
            answered: true,
            readyPods: [],
            podCount: 1,
            ...(before === undefined ? {} : { before }),
            ...(exempt && index === 0 ? { exempt: 'is being rolled out' } : {}),
            possible: () => true,
          }
        })
        const acting = ledger.find(({ state }) => state === 'Acting')
        const input: StepInput = {
          policy,
          generation,
          workers,
          outside: outside ? 'the database is away' : undefined,
          asked: undefined,
          outsideUntil: 0,
          frozen: frozen ? 'paused' : undefined,
          ledger,
          storm,
          acted: acting === undefined ? undefined : { id: acting.id, done },
          evidence: undefined,
          now,
        }
        const next = step(input)

        expect(next.ledger.filter(isUnderWay).length).toBeLessThanOrEqual(1)
        expect(next.ledger.length).toBeLessThanOrEqual(ledgerLength)
        for (const entry of next.ledger.filter(isUnderWay)) expect(entry.deadline).toBeDefined()
        const known = new Set(ledger.map(({ id }) => id))
        const fresh = next.ledger.filter(({ id }) => !known.has(id))
        expect(fresh.length).toBeLessThanOrEqual(1)
        for (const entry of fresh) {
          expect(ledger.some(isUnderWay)).toBe(false)
          expect(outside || frozen).toBe(false)
          expect(next.storm).toBeUndefined()
          const healthy = workers.filter(
            ({ signals }) => signals.length === 0 || signals[0]?.kind === 'DeadLettersGrowing',
          )
          expect(healthy.length).toBeGreaterThanOrEqual(countOf(policy.minHealthy, 4))
          expect(exempt && entry.worker === 'audit').toBe(false)
          const before = begun.findLast(({ worker }) => worker === entry.worker)
          const sameEpisode = before !== undefined && before.generation === entry.generation
          if (sameEpisode && now - timeOf(before.startedAt) < episodeEnd) {
            const rank = (action: string): number => policy.ladder.indexOf(action as (typeof policy.ladder)[number])
            const up = rank(entry.action) - rank(before.action)
            expect(up > 0 || (up === 0 && entry.action === 'RaiseMemory')).toBe(true)
            expect(entry.step).toBe((before.step ?? 0) + 1)
          }
          begun.push(entry)
          const hour = begun.filter(({ startedAt }) => timeOf(startedAt) > now - 3_600_000)
          expect(hour.length).toBeLessThanOrEqual(policy.actionsPerHour)
        }
        // The same look once more, as after a stop of the operator right after the write, changes nothing but what time changes.
        const again = step({
          ...input,
          ledger: next.ledger,
          storm: next.storm,
          acted: undefined,
          workers: workers.map((worker) => {
            const before = next.unhealthy.get(worker.name)
            return before === undefined ? worker : { ...worker, before }
          }),
        })
        expect(again.ledger.length - next.ledger.length).toBeLessThanOrEqual(ledger.some(isUnderWay) ? 1 : 0)
        ;({ ledger, storm } = next)
        told = new Map(next.unhealthy)
      }
    }),
    { numRuns: 300 },
  )
})
