import { chmod, mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { contentHash } from './content-hash.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'content-hash-'))
  await mkdir(join(folder, 'a/sub'), { recursive: true })
  await writeFile(join(folder, 'a/sub/file'), 'content')
})
afterEach(() => rm(folder, { recursive: true }))

const hash = (): Promise<string> => contentHash({ values: { version: '1' }, files: { tree: join(folder, 'a') } })

test('is the same for the same content in another folder and at another time', async () => {
  const before = await hash()
  await mkdir(join(folder, 'b/sub'), { recursive: true })
  await writeFile(join(folder, 'b/sub/file'), 'content')
  await utimes(join(folder, 'b/sub/file'), 1, 1)
  expect(await contentHash({ values: { version: '1' }, files: { tree: join(folder, 'b') } })).toBe(before)
})

test.each([
  ['a file changes', () => writeFile(join(folder, 'a/sub/file'), 'other')],
  ['a file is added', () => writeFile(join(folder, 'a/new'), '')],
  ['a file becomes executable', () => chmod(join(folder, 'a/sub/file'), 0o755)],
])('changes when %s', async (_, change) => {
  const before = await hash()
  await change()
  expect(await hash()).not.toBe(before)
})

test('does not depend on the order in which values and files are named', async () => {
  const file = join(folder, 'a/sub/file')
  expect(await contentHash({ values: { x: '1', y: '2' }, files: { f: file, g: file } })).toBe(
    await contentHash({ values: { y: '2', x: '1' }, files: { g: file, f: file } }),
  )
})

test('tells a value from another value of the same letters', async () => {
  expect(await contentHash({ values: { a: 'bc' } })).not.toBe(await contentHash({ values: { ab: 'c' } }))
})
