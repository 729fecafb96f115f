/**
 * Hands one record to the worker over its replay route and says what became of it. The worker decides, in the transaction of the effect, whether
 * it takes effect; here is only patience. No answer may mean that it did, so the record is sent again: the worker knows it then.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { replayAnswerSchema } from '../../lib/replay.ts'
import type { ReplayAnswer, Replayed, ReplayMark } from '../../lib/replay.ts'
import type { LogRecord } from './selection.ts'

/** What became of a record. */
export type Delivered =
  { readonly outcome: 'processed' | 'duplicate' | 'ignored' } | { readonly outcome: 'failed'; readonly reason: string }

/** Delivers one record; rejects when the worker cannot be reached at all ({@link WorkerAwayError}) or the signal aborts. */
export type Deliver = (record: LogRecord, path: string, signal: AbortSignal) => Promise<Delivered>

/** The worker does not answer, or not as a worker of this version does: the Job is started anew later. */
export class WorkerAwayError extends Error {
  override readonly name = 'WorkerAwayError'
}

/** What {@link createDeliver} is told. Durations in ms. */
export interface DeliverOptions {
  /** Such as http://todo-audit.default.svc:3003. */
  readonly url: string
  readonly appToken: string
  readonly mark: ReplayMark
  /** How long a worker may be away before the Job gives up for now. */
  readonly patience: number
  /** Times a record is sent that the worker could not handle for now. */
  readonly attempts: number
}

/** Longer than the worker's own limit for one event. */
const answerTimeout = 40_000

/** Pause before the n-th new attempt. */
const pause = (n: number): number => Math.min(5_000, 200 * 2 ** n)

/** Makes the sender. */
export const createDeliver = ({ url, appToken, mark, patience, attempts }: DeliverOptions): Deliver => {
  const ask = async (body: string, path: string, signal: AbortSignal): Promise<ReplayAnswer> => {
    const since = performance.now()
    for (let n = 0; ; n += 1) {
      let trouble: string
      try {
        const response = await fetch(`${url}${path}`, {
          method: 'POST',
          redirect: 'error',
          headers: { 'content-type': 'application/json', 'dapr-api-token': appToken },
          body,
          signal: AbortSignal.any([signal, AbortSignal.timeout(answerTimeout)]),
        })
        const text = await response.text()
        if (response.ok) return replayAnswerSchema.parse(JSON.parse(text))
        // Neither will change by asking again.
        if (response.status === 404)
          throw new WorkerAwayError(`${path} is not served: the worker runs a version that knows no replays`)
        if (response.status === 401)
          throw new WorkerAwayError('the worker refuses the token of its sidecar; its pods read another Secret')
        trouble = `answered ${response.status}: ${text.slice(0, 200)}`
      } catch (error) {
        signal.throwIfAborted()
        if (error instanceof WorkerAwayError) throw error
        trouble = causeOf(error)
      }
      if (performance.now() - since > patience) throw new WorkerAwayError(`the worker at ${url} is away: ${trouble}`)
      await sleep(pause(n), undefined, { signal })
    }
  }
  return async (record, path, signal) => {
    const { topic, partition, offset, value } = record
    const body = JSON.stringify({
      replay: mark,
      position: { topic, partition, offset },
      event: value,
    } satisfies Replayed)
    for (let n = 0; ; n += 1) {
      const { status, outcome, reason = 'no reason was given' } = await ask(body, path, signal)
      if (status === 'SUCCESS')
        return { outcome: outcome === 'duplicate' || outcome === 'ignored' ? outcome : 'processed' }
      if (status === 'DROP') return { outcome: 'failed', reason: `cannot be understood: ${reason}` }
      if (n + 1 >= attempts) return { outcome: 'failed', reason }
      await sleep(pause(n), undefined, { signal })
    }
  }
}

const causeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}
