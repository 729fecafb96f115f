import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createArchive, type Archive } from './archive.ts'

const run = promisify(execFile)
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evidence-'))
})
afterEach(async () => rm(folder, { recursive: true, force: true }))

const open = (limits: { fileBytes?: number; totalBytes?: number } = {}): Promise<Archive> =>
  createArchive({
    path: join(folder, 'a.tar.gz'),
    root: 'incident',
    fileBytes: 1_000_000,
    totalBytes: 10_000_000,
    now: 1_700_000_000_000,
    ...limits,
  })
const extracted = async (path: string): Promise<string> => {
  await run('tar', ['-xzf', 'a.tar.gz'], { cwd: folder })
  return readFile(join(folder, 'incident', path), 'utf8')
}

test('tar reads the archive, and every checksum holds', async () => {
  const archive = await open()
  const path = `pods/${'p'.repeat(63)}/logs/${'c'.repeat(63)}.log`
  await archive.add({ path, what: 'logs', text: 'zażółć\n'.repeat(10_000) })
  await archive.add({ path: 'empty.json', what: 'events', text: '' })
  const { bytes, sha256 } = await archive.finish((files) => ({ files }))
  expect(await extracted(path)).toBe('zażółć\n'.repeat(10_000))
  expect(await extracted('empty.json')).toBe('')
  const manifest = JSON.parse(await extracted('manifest.json')) as { files: { path: string; sha256: string }[] }
  for (const file of manifest.files)
    expect(
      createHash('sha256')
        .update(await extracted(file.path))
        .digest('hex'),
    ).toBe(file.sha256)
  const whole = await readFile(join(folder, 'a.tar.gz'))
  expect({ bytes, sha256 }).toEqual({ bytes: whole.length, sha256: createHash('sha256').update(whole).digest('hex') })
  expect((await run('sha256sum', ['-c', 'a.tar.gz.sha256'], { cwd: folder })).stdout).toBe('a.tar.gz: OK\n')
})

test('a file that is too large keeps the end that was asked for, and says so', async () => {
  const archive = await open({ fileBytes: 4 })
  await archive.add({ path: 'log', what: 'logs', text: '0123456789', keep: 'end' })
  await archive.add({ path: 'object', what: 'pods', text: '0123456789' })
  await archive.finish((files) => ({ files }))
  expect([await extracted('log'), await extracted('object')]).toEqual(['6789', '0123'])
  expect(archive.files.map(({ truncated }) => truncated)).toEqual([true, true])
})

test('a full archive takes no more, and is still whole', async () => {
  const archive = await open({ totalBytes: 6 })
  expect(await archive.add({ path: 'a', what: 'logs', text: '12345' })).toBe(true)
  expect(await archive.add({ path: 'b', what: 'logs', text: '12345' })).toBe(true)
  expect(await archive.add({ path: 'c', what: 'logs', text: '12345' })).toBe(false)
  await archive.finish((files) => ({ files }))
  expect([await extracted('a'), await extracted('b')]).toEqual(['12345', '1'])
})

test('nothing is there under the name of the archive until it is finished', async () => {
  const archive = await open()
  await archive.add({ path: 'a', what: 'logs', text: 'x' })
  expect(await readdir(folder)).toEqual(['a.tar.gz.partial'])
  await archive.finish(() => ({}))
  expect((await readdir(folder)).sort()).toEqual(['a.tar.gz', 'a.tar.gz.sha256'])
})
