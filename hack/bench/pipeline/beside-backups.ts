import { kinds } from '../../../operator/src/kube/kinds.ts'
import type { TestCluster } from '../../e2e/support/cluster.ts'
import { oneShotsIn } from '../../e2e/support/one-shot.ts'
import type { LoadResult } from './load.ts'

/** Runs a load while the system is backed up into a volume, one Backup after the other; the Backups are deleted in the end. */
export async function besideBackups(
  cluster: TestCluster,
  { namespace, system }: { readonly namespace: string; readonly system: string },
  load: () => Promise<LoadResult>,
): Promise<LoadResult> {
  const { make, finished } = oneShotsIn(cluster, namespace)
  const over = new AbortController()
  let made = 0
  const backups = (async () => {
    do {
      const name = `bench-${made}`
      await make(kinds.Backup, name, { system, destination: { volume: {} } })
      const { phase } = await finished<{ readonly phase?: string }>(kinds.Backup, name)
      if (phase !== 'Succeeded') throw new Error(`Backup/${name}: ${phase ?? ''}`)
      made += 1
    } while (!over.signal.aborted)
  })()
  try {
    const result = await load()
    over.abort()
    await backups
    return { ...result, load: `${result.load} beside ${made} backups` }
  } finally {
    over.abort()
    await backups.catch(() => undefined)
    for (let index = 0; index <= made; index += 1)
      await cluster.kubectl([
        'delete',
        'backup.todochatbot.dev',
        `bench-${index}`,
        '-n',
        namespace,
        '--ignore-not-found',
      ])
  }
}
