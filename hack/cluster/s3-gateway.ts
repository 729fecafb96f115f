import { join } from 'node:path'
import { cached } from './build-cache.ts'
import { contentHash } from './content-hash.ts'
import { goBuild } from './go-build.ts'

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
  const folder = await cached('go-s3', hash, (draft) =>
    goBuild({ module: MODULE, packages: [PACKAGE], flags: FLAGS, output: draft }),
  )
  return join(folder, 'versitygw')
}
