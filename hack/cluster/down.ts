import { rm } from 'node:fs/promises'
import { findDaemons, stopProcess } from './daemon.ts'
import { cacheFolder } from './folders.ts'
import { removeKindCluster } from './kind.ts'
import { UsageError, parseOptions } from './options.ts'
import type { Options } from './options.ts'
import { createProgress } from './progress.ts'
import { removeFullCluster } from './teardown.ts'

const USAGE = `Usage: ./hack/down [--profile full|control-plane] [--provider local|kind] [--purge]

Stops the cluster that ./hack/up started and removes every process, mount, network interface, iptables rule and file
that it made. Debian packages stay installed, and so does the build cache, which makes the next up fast.

  --purge   removes the build cache too (${cacheFolder()})

Environment: TODOCHATBOT_STATE_DIR, TODOCHATBOT_CACHE_DIR (see docs/dev-cluster.md).
`

async function down(options: Options): Promise<void> {
  const progress = createProgress((line) => console.log(line))
  if (options.provider === 'kind') {
    await removeKindCluster(options.stateDir, progress)
  } else if (options.profile === 'full') {
    await removeFullCluster(options.stateDir, progress)
  } else {
    await progress.step('stop kube-apiserver and etcd', async () => {
      for (const process of await findDaemons(options.stateDir)) await stopProcess(process, 'SIGTERM', 5_000)
    })
    await rm(options.stateDir, { recursive: true, force: true })
  }
  if (options.purge) {
    await progress.step('remove the build cache', () => rm(cacheFolder(), { recursive: true, force: true }))
  }
}

try {
  const options = parseOptions(process.argv.slice(2), process.env)
  if (options.help) console.log(USAGE)
  else await down(options)
} catch (error) {
  console.error(error instanceof UsageError ? `${error.message}\n\n${USAGE}` : error)
  process.exitCode = error instanceof UsageError ? 2 : 1
}
