import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SecretValue } from './redact.ts'

/**
 * Values of the Secrets that the system mounts, from `<directory>/<secret>/<key>`; the kubelet puts them there, the Job may not ask the API
 * server for any. A Secret that does not exist is an empty folder.
 */
export const readSecretValues = async (directory: string): Promise<readonly SecretValue[]> => {
  const folders = await readdir(directory, { withFileTypes: true }).catch(() => [])
  const values = await Promise.all(
    folders
      .filter((folder) => folder.isDirectory())
      .map(async ({ name: secret }) => {
        const keys = (await readdir(join(directory, secret))).filter((key) => !key.startsWith('..'))
        return Promise.all(
          keys.map(async (key) => ({
            name: `Secret/${secret} key ${key}`,
            value: (await readFile(join(directory, secret, key), 'utf8')).trim(),
          })),
        )
      }),
  )
  return values.flat()
}
