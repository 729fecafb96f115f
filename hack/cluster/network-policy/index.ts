import { join } from 'node:path'
import { succeeds } from '../command.ts'
import { contentHash } from '../content-hash.ts'
import { ensureDaemon, logTail } from '../daemon.ts'
import { repository } from '../folders.ts'
import { CNI_NETWORK } from '../network.ts'
import { settings } from '../settings.ts'
import { FatalError, waitFor } from '../waiting.ts'
import { ENTRY } from './chains.ts'

/** Name of the engine's process and log. */
export const ENGINE = 'network-policy-engine'

/** Starts the engine that enforces NetworkPolicies, and waits until its chains are there. */
export async function ensureNetworkPolicies(stateDir: string, kubeconfigPath: string): Promise<void> {
  const beside = (name: string): string => join(import.meta.dirname, '..', name)
  const sources = {
    engine: import.meta.dirname,
    client: beside('api-client.ts'),
    command: beside('command.ts'),
    settings: beside('settings.ts'),
  }
  const engine = await ensureDaemon(stateDir, {
    name: ENGINE,
    program: join(repository, 'node_modules/node/bin/node'),
    args: [join(import.meta.dirname, 'engine.ts'), kubeconfigPath, settings.bridge, CNI_NETWORK],
    lifetime: 'Detached',
    revision: await contentHash({ files: sources }),
  })
  const look = async (): Promise<true | undefined> => {
    if (!(await engine.running())) throw new FatalError(`${ENGINE} ended:\n${await logTail(engine.logPath)}`)
    return (await succeeds('iptables', ['-w', '10', '-S', ENTRY])) ? true : undefined
  }
  await waitFor(`the chains of ${ENGINE}`, look, { timeout: 30_000 })
}
