import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts } from '../free-ports.ts'
import { s3Gateway } from '../s3-gateway.ts'
import { serverFolder, startServer, withFreePort } from './server.ts'
import type { Server } from './server.ts'

/** An S3-compatible server whose buckets are folders: data survives `kill` and `restart`. */
export interface S3Server extends Server {
  /** http://host:port */
  readonly endpoint: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Folder of a bucket: what a test may corrupt, remove or make read-only. */
  readonly folderOf: (bucket: string) => string
}

/** How a server is started. */
export interface S3Options {
  /** Buckets that exist from the start. Default: backups. */
  readonly buckets?: readonly string[]
  /** Address it listens on: of the node, when pods have to reach it. Default: loopback. */
  readonly host?: string
}

/** Starts an S3-compatible server on a free port. */
export async function startS3({ buckets = ['backups'], host = '127.0.0.1' }: S3Options = {}): Promise<S3Server> {
  const program = await s3Gateway()
  return withFreePort(async () => {
    const [port = 0] = await freePorts(1)
    const accessKeyId = `test-${randomBytes(6).toString('hex')}`
    const secretAccessKey = randomBytes(20).toString('hex')
    const folder = await serverFolder('s3')
    const folderOf = (bucket: string): string => join(folder, 'data', bucket)
    // Metadata in files of their own: not every file system of a test machine has extended attributes.
    const sidecar = join(folder, 'sidecar')
    await mkdir(sidecar)
    for (const bucket of buckets) await mkdir(folderOf(bucket), { recursive: true })
    const endpoint = `http://${host}:${port}`
    const server = await startServer({
      name: 's3',
      folder,
      program,
      args: [
        '--port',
        `${host}:${port}`,
        '--health',
        '/health',
        '--quiet',
        'posix',
        '--sidecar',
        sidecar,
        join(folder, 'data'),
      ],
      // Not as arguments: those can be read by everybody on the machine.
      env: { ROOT_ACCESS_KEY_ID: accessKeyId, ROOT_SECRET_ACCESS_KEY: secretAccessKey },
      ready: async () => {
        const { ok } = await fetch(`${endpoint}/health`, { signal: AbortSignal.timeout(2_000) })
        return ok ? true : undefined
      },
      timeout: 15_000,
    })
    return { ...server, endpoint, accessKeyId, secretAccessKey, folderOf }
  })
}
