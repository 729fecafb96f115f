import { createClient, RESP_TYPES } from '@redis/client'

/** Where Redis is and how to get in. */
export interface RedisOptions {
  /** host:port */
  readonly address: string
  /** Present: TLS; `ca` (PEM) instead of the public authorities. */
  readonly tls?: { readonly ca?: string | undefined } | undefined
  readonly password?: string | undefined
  readonly signal: AbortSignal
  /** How long any answer may take, ms. */
  readonly timeout?: number
}

/** What Redis answers: bytes, a number, nothing, or a list of these. */
export type Reply = Buffer | number | null | readonly Reply[]

/** An open connection, binary-safe. Commands may be sent before those before them were answered. */
export interface RedisClient {
  /** Sends one command. Rejects with the words of the server, when the line breaks (for all that wait), or when no answer comes in time. */
  send(...command: readonly (string | Buffer)[]): Promise<Reply>
  close(): void
}

/** Keys and dumps are bytes. */
const binary = { [RESP_TYPES.BLOB_STRING]: Buffer, [RESP_TYPES.SIMPLE_STRING]: Buffer } as const

/** Connects and logs in. A connection that breaks stays broken: whoever uses it begins again as a whole. */
export const connectRedis = async (options: RedisOptions): Promise<RedisClient> => {
  const { address, tls, password, signal, timeout = 15_000 } = options
  signal.throwIfAborted()
  const { hostname, port } = new URL(`redis://${address}`)
  const host = hostname.replace(/^\[|\]$/g, '')
  const target = { host, port: Number(port || '6379'), connectTimeout: timeout, reconnectStrategy: false } as const
  const client = createClient({
    RESP: 2,
    disableOfflineQueue: true,
    socket: tls === undefined ? target : { ...target, tls: true, servername: host, ...(tls.ca && { ca: tls.ca }) },
    ...(password === undefined ? {} : { password }),
  })
  let broken: Error | undefined
  const end = (error: Error): void => {
    broken ??= error
    if (client.isOpen) client.destroy()
  }
  client.on('error', (error: Error) => end(new Error(`Redis at ${address}: ${error.message}`, { cause: error })))
  const stop = (): void => end(signal.reason instanceof Error ? signal.reason : new Error('stopped'))
  signal.addEventListener('abort', stop, { once: true })
  const close = (): void => {
    signal.removeEventListener('abort', stop)
    end(new Error('the connection was closed'))
  }
  /** Within the time; what broke the line is said instead of that it is broken. */
  const answered = async <T>(work: Promise<T>): Promise<T> => {
    const late = setTimeout(() => end(new Error(`Redis at ${address} did not answer within ${timeout} ms`)), timeout)
    try {
      return await work
    } catch (error) {
      throw broken ?? error
    } finally {
      clearTimeout(late)
    }
  }
  try {
    await answered(client.connect())
    const send: RedisClient['send'] = (...command) =>
      broken === undefined
        ? answered(client.sendCommand<Reply>(command, { typeMapping: binary }))
        : Promise.reject(broken)
    await send('PING')
    return { send, close }
  } catch (error) {
    close()
    throw error
  }
}
