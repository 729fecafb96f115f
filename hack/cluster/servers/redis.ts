import { connect } from 'node:net'
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts } from '../free-ports.ts'
import { serverFolder, startServer, withFreePort } from './server.ts'
import type { Server } from './server.ts'

/** Redis with a password, appending to a file: data survives `kill` and `restart`. */
export interface RedisServer extends Server {
  /** host:port, as Dapr's `redisHost` wants it. */
  readonly address: string
  readonly password: string
}

/** Starts Redis on a free port. */
export async function startRedis(): Promise<RedisServer> {
  return withFreePort(async () => {
    const [port = 0] = await freePorts(1)
    const password = randomBytes(12).toString('hex')
    const folder = await serverFolder('redis')
    const configuration = join(folder, 'redis.conf')
    const lines = [
      `bind 127.0.0.1`,
      `port ${port}`,
      `dir ${folder}`,
      `requirepass ${password}`,
      'appendonly yes',
      'save ""',
    ]
    await writeFile(configuration, `${lines.join('\n')}\n`, { mode: 0o600 })
    const server = await startServer({
      name: 'redis',
      folder,
      program: 'redis-server',
      args: [configuration],
      ready: () => ping(port, password),
      timeout: 15_000,
    })
    return { ...server, address: `127.0.0.1:${port}`, password }
  })
}

function ping(port: number, password: string): Promise<true | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    socket.setTimeout(2_000, () => socket.destroy(new Error('no answer to PING within 2 s')))
    socket.once('error', reject)
    let answer = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      answer += chunk
      if (answer.includes('PONG')) socket.end(() => resolve(true))
      else if (answer.includes('-')) socket.destroy(new Error(answer.trim()))
    })
    socket.write(`AUTH ${password}\r\nPING\r\n`)
  })
}
