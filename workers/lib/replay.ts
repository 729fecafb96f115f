/**
 * How an event comes back: the envelope a replay delivers it in, the mark the worker sees, and the ledger of what took effect.
 *
 * A replayed event must never be taken for a live one, and a live one never for a replayed one. So replays have routes of their own
 * (`/replay/<topic>` beside `/events/<topic>`), which no Subscription names and which only the sidecar's token opens; the event inside is the
 * record as it was read, byte for byte.
 *
 * Invariants
 * - The ledger row, the inbox mark and the effect are one transaction: the ledger holds exactly the events that took effect through this replay.
 *   A replay that dies in the middle reads it and goes on; nothing takes effect twice, not even with force.
 * - Muted is inherited: events that a worker produces while it handles a muted event carry `sideeffects: muted`, so that what follows from a
 *   replay does not ring either. State is kept right; only what a person would notice again is left out.
 *
 * Proof: replay.test.ts, workers/test/replay.integration.test.ts.
 */
import { z } from 'zod'
import type { CloudEvent } from './cloud-event.ts'

/** What a replay says of itself with every event. */
export const replayMarkSchema = z.object({
  /** uid of the Replay; names its ledger. */
  id: z.uuid(),
  /** Take effect again although the inbox knows the event; still once per replay. */
  force: z.boolean(),
  /** No effect that a person would notice, such as a notification. */
  muted: z.boolean(),
})

/** See {@link replayMarkSchema}. */
export type ReplayMark = z.output<typeof replayMarkSchema>

/** Body of a request to a replay route. `event` is the value of the record; it is checked like a live one. */
export const replayedSchema = z.object({
  replay: replayMarkSchema,
  position: z.object({ topic: z.string(), partition: z.int().min(0), offset: z.int().min(0) }),
  event: z.string(),
})

/** See {@link replayedSchema}. */
export type Replayed = z.output<typeof replayedSchema>

/** Answer of a replay route. `reason` says why the event was not taken. */
export const replayAnswerSchema = z.object({
  status: z.enum(['SUCCESS', 'RETRY', 'DROP']),
  outcome: z.string().optional(),
  reason: z.string().optional(),
})

/** See {@link replayAnswerSchema}. */
export type ReplayAnswer = z.output<typeof replayAnswerSchema>

/** The replay route beside a subscription's own: `/events/task-events` → `/replay/task-events`. */
export const replayPath = (subscriptionPath: string): string =>
  `/replay/${subscriptionPath.slice(subscriptionPath.lastIndexOf('/') + 1)}`

/** Value of the column `consumer` of the inbox under which the events of one replay are kept. */
export const ledgerOf = (consumer: string, replayId: string): string => `${consumer}/replay/${replayId}`

/** LIKE pattern of every ledger of a consumer. */
export const ledgersOf = (consumer: string): string => `${consumer}/replay/%`

/** Whether the event, or what it follows from, was replayed without side effects. */
export const isMuted = (event: Pick<CloudEvent, 'sideeffects'>): boolean => event.sideeffects === 'muted'

/** The event as a muted replay delivers it. */
export const muted = <Data>(event: CloudEvent<Data>): CloudEvent<Data> => ({ ...event, sideeffects: 'muted' })
