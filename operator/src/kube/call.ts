import type { Dispatcher } from 'undici'

/** An answer with its whole body as text. */
export interface Answer {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/**
 * Sends one request and collects its answer. Does what undici's `request` with `body.text()` does, without the stream object in
 * between: an operator that applies hundreds of objects a second spends a third of its time per call there.
 * @throws what undici reports; the signal's reason when it aborts, also while the request waits for a connection
 */
export const call = (
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  signal: AbortSignal,
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let running: Dispatcher.DispatchController | undefined
    let statusCode = 0
    let headers: Answer['headers'] = {}
    const reason = (): Error => (signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)))
    const abort = (): void => {
      running?.abort(reason())
      reject(reason())
    }
    if (signal.aborted) {
      reject(reason())
      return
    }
    signal.addEventListener('abort', abort, { once: true })
    dispatcher.dispatch(options, {
      onRequestStart: (controller) => {
        if (signal.aborted) controller.abort(reason())
        // A request that is sent again on another connection starts over.
        chunks.length = 0
        running = controller
      },
      onResponseStart: (_controller, code, received) => {
        statusCode = code
        headers = received
      },
      onResponseData: (_controller, chunk) => {
        chunks.push(chunk)
      },
      onResponseEnd: () => {
        signal.removeEventListener('abort', abort)
        const [first] = chunks
        const body = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)
        resolve({ statusCode, headers, text: body.toString('utf8') })
      },
      onResponseError: (_controller, error) => {
        signal.removeEventListener('abort', abort)
        reject(error)
      },
    })
  })
