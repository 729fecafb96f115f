import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { apiClient } from './api-client.ts'
import { CommandError, run } from './command.ts'
import { cacheFolder, repository, stateFolder } from './folders.ts'

/** The full cluster of this machine. */
export interface RunningCluster {
  readonly kubeconfigPath: string
  readonly stateDir: string
  /** Every request that changed something, one JSON event per line (audit.k8s.io/v1, level Metadata). */
  readonly auditLogPath: string
}

/** The full cluster when its API server answers and Dapr's injector serves; undefined otherwise. Starts nothing. */
export async function findFullCluster(): Promise<RunningCluster | undefined> {
  const stateDir = stateFolder()
  const kubeconfigPath = join(stateDir, 'admin.kubeconfig')
  if (!(await stat(kubeconfigPath).catch(() => undefined))) return undefined
  const client = await apiClient(kubeconfigPath)
  try {
    if ((await client.call('GET', '/readyz')) !== 'ok') return undefined
    const path = '/apis/apps/v1/namespaces/dapr-system/deployments/dapr-sidecar-injector'
    const injector = (await client.call('GET', path)) as { readonly status?: { readonly readyReplicas?: number } }
    if ((injector.status?.readyReplicas ?? 0) === 0) return undefined
    return { kubeconfigPath, stateDir, auditLogPath: join(stateDir, 'audit.log') }
  } catch {
    // Not reachable or without Dapr: not a cluster one can use.
    return undefined
  } finally {
    await client.close()
  }
}

/** What may be chosen about a cluster that tests ask for. */
export interface EnsureOptions {
  /** Called with every line of progress. */
  readonly onStep?: (line: string) => void
  /** Whether config/samples/development.yaml is applied and awaited too. Default false. */
  readonly sample?: boolean
}

/**
 * Runs `./hack/up` (without tour): a cluster with Dapr and the operator of this checkout. It builds what has changed,
 * so it is the way to bring a running cluster to the current source as well.
 * @throws CommandError with what is missing on this machine, or what went wrong.
 */
export async function ensureFullCluster(options: EnsureOptions = {}): Promise<RunningCluster> {
  const onStep = options.onStep ?? (() => undefined)
  await run(join(repository, 'hack/up'), [options.sample === true ? '--no-tour' : '--no-sample'], {
    timeout: 30 * 60_000,
    onLine: onStep,
    onOutputLine: onStep,
  })
  const cluster = await findFullCluster()
  if (!cluster) throw new Error('./hack/up ended well, but the cluster does not answer')
  return cluster
}

/** Runs `./hack/down`. */
export async function removeFullCluster(onStep: (line: string) => void = () => undefined): Promise<void> {
  await run(join(repository, 'hack/down'), [], { timeout: 5 * 60_000, onLine: onStep, onOutputLine: onStep })
}

/** What this machine lacks for a profile, in plain words with remedies; empty when it lacks nothing. */
export async function preflight(profile: 'full' | 'control-plane' = 'full'): Promise<string[]> {
  try {
    await run(join(import.meta.dirname, 'preflight.sh'), [profile, stateFolder(), cacheFolder()])
    return []
  } catch (error) {
    if (!(error instanceof CommandError) || error.exitCode !== 1) throw error
    return error.stderr.split('\n').flatMap((line) => (line.startsWith('  - ') ? [line.slice(4)] : []))
  }
}
