import { randomBytes, randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { systemFolder } from '../../lib/backup/catalogue.ts'
import type { Destination } from '../../lib/backup/destination.ts'
import { BackupError } from '../../lib/backup/errors.ts'
import { readAll } from '../../lib/backup/streams.ts'
import type { BackupJobReport, CheckConfig } from './config.ts'

/** Enough to be noticed on a full volume, bytes. */
const size = 64 * 1024
/** Less free space than this is as good as none, bytes. */
const leastFree = 16 * 1024 * 1024

/** Writes a small file, reads it back, lists and deletes it: everything a backup will need. Rejects with BackupError when something fails. */
export const checkDestination = async (
  config: Pick<CheckConfig, 'namespace' | 'system'>,
  destination: Destination,
  signal: AbortSignal,
): Promise<BackupJobReport> => {
  const folder = `${systemFolder(config)}/checks`
  const path = `${folder}/${randomUUID()}`
  const content = randomBytes(size)
  const begun = performance.now()
  await destination.put(path, Readable.from([content]), signal)
  try {
    const written = performance.now()
    const back = await readAll(await destination.get(path, signal), size)
    const read = performance.now()
    if (!back.equals(content))
      throw new BackupError('PartCorrupt', `${destination.describe()} gave back other bytes than were written`)
    if (!(await destination.list(folder, signal)).some((file) => file.path === path))
      throw new BackupError('DestinationFailed', `${destination.describe()} does not list what was written`)
    const freeBytes = await destination.freeBytes()
    if (freeBytes !== undefined && freeBytes < leastFree)
      throw new BackupError('DestinationFull', `${destination.describe()} has ${freeBytes} bytes left`)
    return {
      result: 'Check',
      writeMs: Math.round(written - begun),
      readMs: Math.round(read - written),
      ...(freeBytes === undefined ? {} : { freeBytes }),
      destination: destination.describe(),
    }
  } finally {
    await destination.remove([path], signal)
  }
}
