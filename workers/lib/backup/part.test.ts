import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Destination } from './destination.ts'
import { openDestination } from './destination.ts'
import { isBackupError } from './errors.ts'
import type { Part } from './manifest.ts'
import { readPart, verifyPart, writePart } from './part.ts'
import { readAll } from './streams.ts'

const { signal } = new AbortController()
let folder: string
let destination: Destination
let identity: string
let recipients: string[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'part-'))
  destination = await openDestination({ volume: { folder } })
  identity = await generateX25519Identity()
  recipients = [await identityToRecipient(identity)]
})
afterAll(async () => rm(folder, { recursive: true, force: true }))

// eslint-disable-next-line @typescript-eslint/require-await -- a stream of what is there already
async function* bytesOf(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}
const write = (source: AsyncIterable<Uint8Array>, encrypted: boolean, path = 'state.ndjson.zst'): Promise<Part> =>
  writePart({
    destination,
    folder: 'backup',
    path,
    kind: 'State',
    source,
    ...(path.endsWith('.zst') ? { compressionLevel: 3 } : {}),
    recipients: encrypted ? recipients : undefined,
    signal,
  })
const read = async (part: Part, identities: readonly string[] = [identity]): Promise<Buffer> =>
  readAll(readPart({ destination, folder: 'backup', part, identities, signal }), 10_000_000)
const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'fine',
    (error: unknown) => (isBackupError(error) ? error.code : `not of the catalogue: ${String(error)}`),
  )

test('what was written is read, in clear and encrypted, compressed and not', async () => {
  const contents = fc.array(fc.uint8Array({ maxLength: 200_000 }), { maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(contents, fc.boolean(), fc.boolean(), async (chunks, encrypted, compressed) => {
      const part = await write(bytesOf(...chunks), encrypted, compressed ? 'state.ndjson.zst' : 'resource.json')
      const plain = Buffer.concat(chunks)
      expect((await read(part)).equals(plain)).toBe(true)
      expect(part.plainBytes).toBe(plain.length)
      await verifyPart({ destination, folder: 'backup', part, signal })
    }),
    { numRuns: 25 },
  )
})

test('one flipped bit, and one byte that is missing or too many, is found wherever it is', async () => {
  for (const encrypted of [false, true]) {
    const part = await write(bytesOf(randomBytes(70_000), Buffer.alloc(70_000, 'a')), encrypted)
    const file = join(folder, 'backup', part.path)
    const whole = await readFile(file)
    const found = async (): Promise<readonly string[]> => [
      await codeOf(verifyPart({ destination, folder: 'backup', part, signal })),
      await codeOf(read(part)),
    ]
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: whole.length - 1 }), fc.nat({ max: 7 }), async (at, bit) => {
        const changed = Buffer.from(whole)
        changed.writeUInt8(changed.readUInt8(at) ^ (1 << bit), at)
        await writeFile(file, changed)
        const [verified, readBack] = await found()
        expect(verified).toBe('PartCorrupt')
        // In the header of an age file a flipped bit can look like a file for somebody else.
        expect(['PartCorrupt', 'WrongKey']).toContain(readBack)
      }),
      {
        numRuns: 40,
        examples: [
          [0, 0],
          [whole.length - 1, 7],
        ],
      },
    )
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: whole.length - 1 }), async (length) => {
        await writeFile(file, whole)
        await truncate(file, length)
        expect(await found()).toEqual(['PartCorrupt', 'PartCorrupt'])
      }),
      { numRuns: 40, examples: [[0], [whole.length - 1]] },
    )
    await writeFile(file, Buffer.concat([whole, Buffer.from([0])]))
    expect(await found()).toEqual(['PartCorrupt', 'PartCorrupt'])
  }
})

test('a file that is gone, a key of somebody else and no key at all each have their own answer', async () => {
  const part = await write(bytesOf(Buffer.from('secret')), true)
  expect(await codeOf(read(part, [await generateX25519Identity()]))).toBe('WrongKey')
  expect(await codeOf(read(part, []))).toBe('KeyMissing')
  expect(await codeOf(read(part, ['AGE-SECRET-KEY-NONSENSE']))).toBe('BadKey')
  expect((await readFile(join(folder, 'backup', part.path))).includes('secret')).toBe(false)
  await rm(join(folder, 'backup', part.path))
  expect(await codeOf(verifyPart({ destination, folder: 'backup', part, signal }))).toBe('PartMissing')
})

test('a part whose source fails half way is not there, and nothing is left beside it', async () => {
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield* bytesOf(randomBytes(300_000))
    throw new Error('the source broke')
  }
  for (const encrypted of [false, true])
    await expect(write(failing(), encrypted, 'broken.zst')).rejects.toThrow('the source broke')
  expect((await readdir(join(folder, 'backup'))).filter((name) => name.startsWith('broken'))).toEqual([])
})

test('memory stays where it is while a large part passes', async () => {
  const chunk = randomBytes(1024 * 1024)
  const high = async (megabytes: number): Promise<number> => {
    let most = 0
    async function* source(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < megabytes; at += 1) {
        const { heapUsed, external } = process.memoryUsage()
        most = Math.max(most, heapUsed + external)
        yield* bytesOf(chunk)
      }
    }
    await write(source(), false, 'large.zst')
    return most
  }
  await high(8)
  const small = await high(16)
  expect((await high(256)) - small).toBeLessThan(128 * 1024 * 1024)
})

test('a stop ends a part that is being written', async () => {
  const stop = new AbortController()
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (let count = 0; ; count += 1) {
      if (count === 3) stop.abort(new Error('stopped'))
      yield* bytesOf(randomBytes(1_000))
    }
  }
  const writing = writePart({
    destination,
    folder: 'backup',
    path: 'endless',
    kind: 'State',
    source: endless(),
    signal: stop.signal,
  })
  await expect(writing).rejects.toThrow()
  expect((await readdir(join(folder, 'backup'))).filter((name) => name.startsWith('endless'))).toEqual([])
})
