import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { contentHash } from '../content-hash.ts'
import { ensureDaemon } from '../daemon.ts'
import { repository } from '../folders.ts'
import type { Kubectl } from '../kubectl.ts'

/** Applies the default StorageClass and starts the provisioner that serves it. */
export async function ensureVolumes(stateDir: string, kubeconfigPath: string, cluster: Kubectl): Promise<void> {
  await cluster.apply(await readFile(join(import.meta.dirname, '../manifests/storage-class.yaml'), 'utf8'))
  const root = join(stateDir, 'volumes')
  await mkdir(root, { recursive: true })
  const sources = { volumes: import.meta.dirname, client: join(import.meta.dirname, '../api-client.ts') }
  await ensureDaemon(stateDir, {
    name: 'volume-provisioner',
    program: join(repository, 'node_modules/node/bin/node'),
    args: [join(import.meta.dirname, 'provisioner.ts'), kubeconfigPath, root],
    lifetime: 'Detached',
    revision: await contentHash({ files: sources }),
  })
}
