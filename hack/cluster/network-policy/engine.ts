/**
 * Enforces NetworkPolicies on this machine: what Calico or Cilium do in a real cluster. Started by `up` as a process of
 * its own: `node engine.ts <kubeconfig> <bridge> <CNI network>`.
 *
 * It keeps no state but the rules: after a start, and every few seconds, it compares the table with what the cluster's
 * objects ask for and puts that in force when it differs, so a crash, a flushed table or another program that puts
 * itself first is repaired by the next look. When it ends, the rules stay: an isolated pod stays isolated.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { apiClient } from '../api-client.ts'
import { ENTRY } from './chains.ts'
import { putInForce } from './filter-table.ts'
import { planChains } from './policy-plan.ts'
import type { Namespace, NetworkPolicy, Pod } from './resources.ts'
import { CNI_RESULTS, watchSandboxes, withSandboxAddresses } from './sandboxes.ts'
import { watchList } from './watched-list.ts'

/** How long changes are gathered, and how long the table may be wrong by somebody else's hand; ms. */
const GATHER = 20
const INSPECT = 3_000

const log = (...words: unknown[]): void => console.log(new Date().toISOString(), ...words)

/** Says an error once, until another one or none. */
function reporter(): { readonly failed: (error: unknown) => void; readonly fine: () => void } {
  let last = ''
  return {
    failed: (error) => {
      const message = error instanceof Error ? error.message : String(error)
      if (message !== last) log(message)
      last = message
    },
    fine: () => {
      last = ''
    },
  }
}

/** Answers as soon as `wake` has been called since the last answer, at the latest after `limit` ms. */
function alarm(): { readonly wake: () => void; next(limit: number): Promise<void> } {
  let pending = false
  let ring = (): void => undefined
  return {
    wake: () => {
      pending = true
      ring()
    },
    async next(limit) {
      if (!pending) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, limit)
          ring = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      }
      await sleep(GATHER)
      pending = false
    },
  }
}

async function enforce(kubeconfigPath: string, bridge: string, network: string, signal: AbortSignal): Promise<void> {
  const client = await apiClient(kubeconfigPath)
  const changes = alarm()
  const watch = <T>(path: string): ReturnType<typeof watchList<T>> => {
    const report = reporter()
    const onChange = (): void => {
      report.fine()
      changes.wake()
    }
    return watchList<T>(client, path, signal, onChange, report.failed)
  }
  const policies = watch<NetworkPolicy>('/apis/networking.k8s.io/v1/networkpolicies')
  const pods = watch<Pod>('/api/v1/pods')
  const namespaces = watch<Namespace>('/api/v1/namespaces')
  const sandboxes = await watchSandboxes(CNI_RESULTS, network, changes.wake)
  const report = reporter()
  let enforced = ''
  let inspected = 0
  while (!signal.aborted) {
    await changes.next(INSPECT)
    const [allPolicies, allPods, allNamespaces] = [policies.items(), pods.items(), namespaces.items()]
    if (!allPolicies || !allPods || !allNamespaces) continue
    try {
      const wired = withSandboxAddresses(allPods, await sandboxes.addresses())
      const chains = planChains({ policies: allPolicies, pods: wired, namespaces: allNamespaces })
      // The entry names the chains it jumps to, whose names stand for what is in them.
      const wanted = JSON.stringify(chains.get(ENTRY))
      if (wanted === enforced && performance.now() - inspected < INSPECT) continue
      if (await putInForce(chains, bridge)) log(`${allPolicies.length} policies in ${chains.size} chains`)
      enforced = wanted
      inspected = performance.now()
      report.fine()
    } catch (error) {
      report.failed(error)
    }
  }
}

const [kubeconfigPath, bridge, network] = process.argv.slice(2)
if (kubeconfigPath === undefined || bridge === undefined || network === undefined) {
  console.error('usage: node engine.ts <kubeconfig> <bridge> <CNI network>')
  process.exit(2)
}
const ending = new AbortController()
process.once('SIGTERM', () => {
  ending.abort()
  process.exit(0)
})
await enforce(kubeconfigPath, bridge, network, ending.signal)
