import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { cached } from './build-cache.ts'

const HASH = '0123456789abcdef'
let cache: string
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'build-cache-'))
  vi.stubEnv('TODOCHATBOT_CACHE_DIR', cache)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(cache, { recursive: true })
})

test('builds an entry once, however many ask for it at the same time', async () => {
  let builds = 0
  const build = async (folder: string): Promise<void> => {
    builds += 1
    await writeFile(join(folder, 'result'), 'built')
  }
  const folders = await Promise.all([1, 2, 3].map(() => cached('thing', HASH, build)))
  expect(builds).toBe(1)
  expect(new Set(folders).size).toBe(1)
  expect(await readFile(join(folders[0] ?? '', 'result'), 'utf8')).toBe('built')
})

test('keeps nothing of a build that failed, and builds again', async () => {
  const failing = async (folder: string): Promise<void> => {
    await writeFile(join(folder, 'half'), '')
    throw new Error('no network')
  }
  await expect(cached('thing', HASH, failing)).rejects.toThrow('no network')
  expect(await readdir(join(cache, 'thing'))).toEqual([])
  await expect(cached('thing', HASH, () => Promise.resolve())).resolves.toContain(HASH)
})

test('takes over the lock and the draft of a build whose process died', async () => {
  const folder = join(cache, 'thing', HASH)
  await mkdir(`${folder}.lock`, { recursive: true })
  await writeFile(`${folder}.lock/pid`, '999999999')
  await mkdir(`${folder}.draft`)
  await writeFile(`${folder}.draft/half`, '')
  await cached('thing', HASH, (draft) => writeFile(join(draft, 'whole'), ''))
  expect(await readdir(folder)).toEqual(['whole'])
})

test('drops the entries used longest ago', async () => {
  for (const digit of ['1', '2', '3']) {
    const folder = await cached('thing', digit.repeat(16), () => Promise.resolve())
    await utimes(folder, Number(digit), Number(digit))
  }
  await cached('thing', '4'.repeat(16), () => Promise.resolve())
  expect((await readdir(join(cache, 'thing'))).sort()).toEqual(['2', '3', '4'].map((digit) => digit.repeat(16)))
})
