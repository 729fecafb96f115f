import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A key of a mounted Secret, `<secret>/<key>` below the secrets directory, without the newline that editors leave at the end. */
export const readSecretFile = async (directory: string, path: string): Promise<string> =>
  (await readFile(join(directory, path), 'utf8')).trimEnd()
