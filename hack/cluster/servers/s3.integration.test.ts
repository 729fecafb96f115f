import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDestination, type Destination } from '../../../workers/lib/backup/destination.ts'
import { startS3, type S3Server } from './s3.ts'

let server: S3Server
let folder: string

beforeAll(async () => {
  server = await startS3()
  folder = await mkdtemp(join(tmpdir(), 'todochatbot-s3-keys-'))
  await writeFile(join(folder, 'id'), server.accessKeyId)
  await writeFile(join(folder, 'secret'), server.secretAccessKey)
  await writeFile(join(folder, 'wrong'), 'not the key')
})
afterAll(async () => {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

const open = (bucket: string, secret = 'secret'): Promise<Destination> =>
  openDestination({
    s3: {
      endpoint: server.endpoint,
      region: 'us-east-1',
      bucket,
      pathStyle: true,
      accessKeyIdFile: join(folder, 'id'),
      secretAccessKeyFile: join(folder, secret),
    },
  })
const signal = AbortSignal.timeout(60_000)

test('the S3 server of the tests takes an object in parts, keeps it through a crash as a file of its bucket, and removes it', async () => {
  const destination = await open('backups')
  const bytes = Buffer.alloc(12 * 1024 * 1024, 'x')
  expect(await destination.put('a/b/c', Readable.from([bytes]), signal)).toEqual({ bytes: bytes.length })
  expect((await readFile(join(server.folderOf('backups'), 'a/b/c'))).equals(bytes)).toBe(true)
  await server.kill()
  await server.restart()
  expect((await destination.list('a', signal)).map(({ path }) => path)).toEqual(['a/b/c'])
  await destination.remove(['a/b/c'], signal)
  expect(await destination.list('a', signal)).toEqual([])
  destination.close()
})

test.each([
  ['a bucket that does not exist', 'nowhere', 'secret', 'DestinationGone'],
  ['a wrong key', 'backups', 'wrong', 'WrongCredentials'],
])('it refuses %s', async (_what, bucket, secret, code) => {
  const destination = await open(bucket, secret)
  await expect(destination.list('a', signal)).rejects.toMatchObject({ code })
  destination.close()
})
