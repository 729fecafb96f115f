import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Manifest } from '../../lib/backup/manifest.ts'

/** Secrets by name, each key with its value in base64: the `data` of a Secret. */
export type SecretContents = Readonly<Record<string, Readonly<Record<string, string>>>>

/** Reads the Secrets the kubelet mounted as `<directory>/<name>/<key>`. One that does not exist is an empty folder, and is missing. */
export const readSecrets = async (
  directory: string,
  secrets: readonly string[],
): Promise<{ readonly contents: SecretContents; readonly missing: Manifest['missing'] }> => {
  const missing: Manifest['missing'] = []
  const entries = await Promise.all(
    secrets.map(async (secret) => {
      const folder = join(directory, secret)
      // The kubelet keeps its own links there, beginning with two dots.
      const keys = (await readdir(folder).catch(() => [])).filter((key) => !key.startsWith('..')).sort()
      if (keys.length === 0) missing.push({ what: `Secret ${secret}`, why: 'it does not exist or is empty' })
      const values = await Promise.all(
        keys.map(async (key): Promise<[string, string]> => [
          key,
          (await readFile(join(folder, key))).toString('base64'),
        ]),
      )
      return [secret, Object.fromEntries(values)] as const
    }),
  )
  return { contents: Object.fromEntries(entries.filter(([, data]) => Object.keys(data).length > 0)), missing }
}
