import type { Bytes } from './streams.ts'

/** Turns pushes into a stream: a push waits until its chunk was taken, so at most one chunk is held. */
export interface Handover {
  readonly stream: Bytes
  /** Rejects when the signal is aborted. One at a time. */
  push(chunk: Uint8Array): Promise<void>
  /** After the last push. */
  end(): void
}

/** Makes one; when the signal is aborted, both sides reject with its reason. */
export const createHandover = (signal: AbortSignal): Handover => {
  let offered = pending<Uint8Array | undefined>()
  let taken = pending<undefined>()
  const stop = (): void => {
    offered.reject(signal.reason)
    taken.reject(signal.reason)
  }
  if (signal.aborted) stop()
  else signal.addEventListener('abort', stop, { once: true })
  async function* stream(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const chunk = await offered.promise
        if (chunk === undefined) return
        signal.throwIfAborted()
        offered = pending()
        taken.resolve(undefined)
        yield chunk
      }
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }
  return {
    stream: stream(),
    push: async (chunk) => {
      signal.throwIfAborted()
      taken = pending()
      offered.resolve(chunk)
      await taken.promise
    },
    end: () => offered.resolve(undefined),
  }
}

/** A promise whose rejection may come while nobody waits for it. */
const pending = <T>(): PromiseWithResolvers<T> => {
  const made = Promise.withResolvers<T>()
  made.promise.catch(() => undefined)
  return made
}
