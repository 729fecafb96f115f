/**
 * The few commands of Redis that backups and restores need, binary-safe, over one connection (RESP2). Answers come in the order of the
 * commands, so many may be on their way at once; an answer that is an error rejects its own command only, a broken line rejects all.
 */
import { connect as connectPlain } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { createReplyParser } from './replies.ts'
import type { Reply } from './replies.ts'

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

/** An open connection. */
export interface RedisClient {
  /** Sends one command. Rejects with the words of the server, or when the line breaks. */
  send(...command: readonly (string | Buffer)[]): Promise<Reply>
  close(): void
}

interface Waiting {
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: Error) => void
}

/** Connects and logs in. */
export const connectRedis = async (options: RedisOptions): Promise<RedisClient> => {
  const { address, tls, password, signal, timeout = 15_000 } = options
  signal.throwIfAborted()
  const { hostname, port } = new URL(`redis://${address}`)
  const target = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || '6379') }
  const socket: Socket =
    tls === undefined
      ? connectPlain(target)
      : connectTls({ ...target, servername: target.host, ...(tls.ca === undefined ? {} : { ca: tls.ca }) })
  const waiting: Waiting[] = []
  let broken: Error | undefined
  const end = (error: Error): void => {
    broken ??= error
    socket.destroy()
    for (const { reject } of waiting.splice(0)) reject(broken)
  }
  const parse = createReplyParser((reply) => {
    const first = waiting.shift()
    if (reply instanceof Error) first?.reject(reply)
    else first?.resolve(reply)
  })
  socket.setNoDelay(true)
  socket.setTimeout(timeout, () => {
    if (waiting.length > 0) end(new Error(`Redis at ${address} did not answer within ${timeout} ms`))
  })
  socket.on('data', (chunk: Buffer) => {
    try {
      parse(chunk)
    } catch (error) {
      end(error as Error)
    }
  })
  socket.on('error', (error) => end(new Error(`Redis at ${address}: ${error.message}`, { cause: error })))
  socket.on('close', () => end(new Error(`Redis at ${address} closed the connection`)))
  const stop = (): void => end(signal.reason instanceof Error ? signal.reason : new Error('stopped'))
  signal.addEventListener('abort', stop, { once: true })

  const client: RedisClient = {
    send: (...command) =>
      new Promise((resolve, reject) => {
        if (broken !== undefined) {
          reject(broken)
          return
        }
        waiting.push({ resolve, reject })
        socket.write(encodeCommand(command))
      }),
    close: () => {
      signal.removeEventListener('abort', stop)
      end(new Error('the connection was closed'))
    },
  }
  try {
    if (password === undefined) await client.send('PING')
    else await client.send('AUTH', password)
    return client
  } catch (error) {
    client.close()
    throw error
  }
}

const encodeCommand = (command: readonly (string | Buffer)[]): Buffer =>
  Buffer.concat([
    Buffer.from(`*${command.length}\r\n`),
    ...command.flatMap((part) => {
      const bytes = Buffer.from(part)
      return [Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')]
    }),
  ])
