import { join } from 'node:path'
import { cached } from './build-cache.ts'
import { run } from './command.ts'
import { contentHash } from './content-hash.ts'

const MODULE = join(import.meta.dirname, 'go-s3')
const PACKAGE = 'github.com/versity/versitygw/cmd/versitygw'
const FLAGS = ['-trimpath', '-ldflags', '-s -w']

/**
 * The S3-compatible server of the tests (versitygw, files in a folder), built or from the cache: two minutes of two cores the first time. It has a
 * module of its own, so that its versions and Kubernetes' have nothing to do with each other.
 * @returns path of the program
 */
export async function s3Gateway(): Promise<string> {
  const files = Object.fromEntries(['go.mod', 'go.sum'].map((name) => [name, join(MODULE, name)]))
  const hash = await contentHash({ values: { flags: FLAGS.join(' ') }, files })
  const folder = await cached('go-s3', hash, async (draft) => {
    await run('go', ['build', ...FLAGS, '-o', join(draft, 'versitygw'), PACKAGE], {
      cwd: MODULE,
      env: { CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOFLAGS: '-buildvcs=false' },
      timeout: 15 * 60_000,
    })
  })
  return join(folder, 'versitygw')
}
