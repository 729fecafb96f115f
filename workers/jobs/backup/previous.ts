/** What an earlier try of the same backup, by a pod that died, has left. */
import type { Destination } from '../../lib/backup/destination.ts'
import type { CataloguedBackup } from '../../lib/backup/catalogue.ts'
import { openBackup } from '../../lib/backup/catalogue.ts'
import { isBackupError } from '../../lib/backup/errors.ts'

/** Removes everything of an unfinished try. A finished one, signed with our key, is returned instead: its pod died before it could report. */
export const clearPrevious = async (
  destination: Destination,
  folder: string,
  options: { readonly publicKey: string; readonly signal: AbortSignal },
): Promise<CataloguedBackup | undefined> => {
  const { signal } = options
  const files = await destination.list(folder, signal)
  const finished = files.some(({ path }) => path === `${folder}/manifest.json`)
  if (finished) {
    try {
      const bytes = files.reduce((total, file) => total + file.bytes, 0)
      return { ...(await openBackup(destination, folder, options)), bytes }
    } catch (error) {
      if (!isBackupError(error, 'SignatureWrong', 'SignatureMissing', 'ManifestInvalid', 'FormatTooNew')) throw error
    }
  }
  await removeFolder(destination, folder, signal)
  return undefined
}

/** Removes all files of a folder, its manifest first: without it nobody looks at the rest. */
export const removeFolder = async (destination: Destination, folder: string, signal: AbortSignal): Promise<void> => {
  const paths = (await destination.list(folder, signal)).map(({ path }) => path)
  const manifest = `${folder}/manifest.json`
  if (paths.includes(manifest)) await destination.remove([manifest], signal)
  await destination.remove(
    paths.filter((path) => path !== manifest),
    signal,
  )
  await destination.removeUnfinished(folder, signal)
}
