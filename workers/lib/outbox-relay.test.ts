import fc from 'fast-check'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { createMetrics } from './metrics.ts'
import { shardOf } from './outbox.ts'
import { createRelay } from './outbox-relay.ts'
import type { RelayClock } from './outbox-relay.ts'
import type { OutboxSession } from './outbox-session.ts'
import type { OutboxRow } from './outbox-wave.ts'

/**
 * A model of what is outside the relay: PostgreSQL's rows, locks and sessions, and a broker's log. The scheduler decides the
 * order in which every statement, publish and commit takes place; the faults decide how publishes go wrong.
 */
type Fault =
  | 'refused' // not stored, named as failed
  | 'stored but refused' // stored, named as failed
  | 'no answer' // not stored, the call rejects
  | 'no answer, stored' // stored, the call rejects
  | 'no answer, stored later' // the call rejects, and the event turns up some time afterwards

const faults: readonly Fault[] = [
  'refused',
  'stored but refused',
  'no answer',
  'no answer, stored',
  'no answer, stored later',
]

interface World {
  readonly rows: Map<number, OutboxRow>
  readonly locks: Map<number, symbol>
  readonly log: OutboxRow[]
}

const topics = { taskEvents: 'task-events', taskReminders: 'task-reminders', taskUpdates: 'task-updates' }

const rowOf = (id: number, key: string): OutboxRow => ({
  id,
  eventId: `event-${id}`,
  topic: 'taskEvents',
  key,
  payload: '{}',
  traceparent: null,
})

/** Opens sessions on the model. `kill` ends the newest one: its locks are free at once, it hears of it or not. */
const sessions = (world: World, schedule: <T>(value: T) => Promise<T>) => {
  let current: { kill: (told: boolean) => void; alive: () => boolean } | undefined
  const open = async (): Promise<OutboxSession> => {
    await schedule('open')
    const self = Symbol('session')
    const lost = new AbortController()
    let alive = true
    const lose = (): void => lost.abort(new Error('connection lost'))
    const statement = async <T>(run: () => T): Promise<T> => {
      await schedule('statement')
      if (!alive) {
        lose()
        throw new Error('connection lost')
      }
      const result = run()
      // The answer takes time too: what was read may be old when it arrives.
      await schedule('answer')
      return result
    }
    const release = (): void => {
      alive = false
      for (const [shard, holder] of world.locks) if (holder === self) world.locks.delete(shard)
    }
    current = {
      kill: (told) => {
        release()
        if (told) lose()
      },
      alive: () => alive,
    }
    return {
      lost: lost.signal,
      claim: (shards) =>
        statement(() => {
          const free = shards.filter((shard) => !world.locks.has(shard))
          for (const shard of free) world.locks.set(shard, self)
          return free
        }),
      read: (shards, skipped) =>
        statement(() =>
          [...world.rows.values()]
            .filter(({ key }) => shards.includes(shardOf(key)) && !skipped.includes(key))
            .sort((a, b) => a.id - b.id)
            .slice(0, 4),
        ),
      remove: (ids) => statement(() => ids.filter((id) => world.rows.delete(id)).length),
      backlog: () => statement(() => ({ pending: world.rows.size, oldestAge: 0 })),
      end: async () => {
        release()
        await schedule('end')
      },
    }
  }
  return { open, kill: (told: boolean) => current?.kill(told), newest: () => current }
}

/** Ids of a permutation, rearranged so that ids of one key are in order: the task's row lock sees to that. */
const commitOrder = (keys: readonly string[], permutation: readonly number[]): number[] => {
  const queues = new Map<string, number[]>()
  for (const [id, key] of keys.entries()) queues.set(key, [...(queues.get(key) ?? []), id])
  return permutation.map((index) => queues.get(keys[index] ?? '')?.shift() ?? -1)
}

const scenario = fc.array(fc.constantFrom('ann', 'bob', 'cid', 'dot'), { minLength: 1, maxLength: 12 }).chain((keys) =>
  fc.record({
    keys: fc.constant(keys),
    commits: fc
      .shuffledSubarray(
        keys.map((_, id) => id),
        { minLength: keys.length },
      )
      .map((permutation) => commitOrder(keys, permutation)),
    faults: fc.array(fc.option(fc.constantFrom(...faults)), { maxLength: 12 }),
    kills: fc.array(fc.record({ relay: fc.constantFrom(0, 1), told: fc.boolean(), after: fc.nat(40) }), {
      maxLength: 4,
    }),
  }),
)

describe('the outbox relay', () => {
  test('publishes every event, and the first occurrences of each key in order, whatever fails and whoever publishes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), scenario, async (scheduler, { keys, commits, faults: plan, kills }) => {
        const schedule = <T>(value: T): Promise<T> => scheduler.schedule(Promise.resolve(value))
        const world: World = { rows: new Map(), locks: new Map(), log: [] }
        let tick = 0
        // Every look at the clock is ten seconds later, so that no backoff keeps the run from ending.
        const clock: RelayClock = { now: () => (tick += 10_000), sleep: () => schedule(undefined) }
        const remaining = [...plan]
        const late: Promise<unknown>[] = []
        const broken: string[] = []

        const publishBulk = async (_topic: string, entries: readonly { entryId: string }[]) => {
          const rows = entries.map(({ entryId }) =>
            rowOf(Number(entryId.slice(6)), keys[Number(entryId.slice(6))] ?? ''),
          )
          if (new Set(rows.map(({ key }) => key)).size < rows.length) broken.push('two events of a key in one call')
          await schedule('publish')
          const fault = remaining.shift() ?? undefined
          if (fault === undefined || fault.includes('stored')) {
            const store = (): unknown => world.log.push(...rows)
            if (fault === 'no answer, stored later') late.push(schedule('late').then(store))
            else store()
          }
          await schedule('acknowledgement')
          if (fault?.startsWith('no answer')) throw new Error('timeout')
          return new Map(fault === undefined ? [] : rows.map(({ eventId }) => [eventId, 'refused']))
        }

        const stop = new AbortController()
        const relays = [0, 1].map(() => {
          const { open, kill, newest } = sessions(world, schedule)
          // A session that died unheard may begin the wave it has read; the next statement tells it.
          let lostSession: ReturnType<typeof newest>
          const publisher = {
            publishBulk: (topic: string, entries: readonly { entryId: string }[]) => {
              const session = newest()
              if (session?.alive() !== true) {
                if (session === lostSession) broken.push('a relay began a wave after it had lost its session')
                lostSession = session
              }
              return publishBulk(topic, entries)
            },
          }
          const metrics = createMetrics({ service: 'test', version: '0' }).outbox
          const logger = pino({ level: 'silent' })
          return { kill, ...createRelay({ open, publisher, topics, logger, metrics, clock }) }
        })
        const runs = relays.map((relay) => relay.run(stop.signal))
        const committed = Promise.all([
          // Commits one after the other, in their order; kills in between, wherever the scheduler lets their time run out.
          scheduler.scheduleSequence(
            commits.map((id) => () => Promise.resolve(world.rows.set(id, rowOf(id, keys[id] ?? '')))),
          ).task,
          ...kills.map(async ({ relay, told, after }) => {
            for (let step = 0; step < after; step += 1) await schedule('waiting to kill')
            relays[relay]?.kill(told)
          }),
        ])
        const drained = async (): Promise<void> => {
          await committed
          while (world.rows.size > 0) await schedule('look')
          await Promise.all(late)
        }
        await scheduler.waitFor(drained())
        stop.abort()
        await scheduler.waitFor(Promise.all(runs))

        const first = new Map<string, number[]>()
        const seen = new Set<number>()
        for (const { id, key } of world.log) {
          if (seen.has(id)) continue
          seen.add(id)
          first.set(key, [...(first.get(key) ?? []), id])
        }
        expect(broken).toEqual([])
        expect(seen.size).toBe(keys.length)
        for (const ids of first.values()) expect(ids).toEqual([...ids].sort((a, b) => a - b))
      }),
      { numRuns: 300 },
    )
  }, 60_000)
})
