/**
 * Watches a cluster whose systems nobody changes, and counts what the operator asks of the API server meanwhile. Fails
 * when it asks for anything but its Lease.
 * `hack/bench/run steady [--minutes 10]`, on a cluster started by ./hack/up.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { testCluster } from '../../e2e/support/cluster.ts'
import { followAuditLog } from '../api-audit-log.ts'
import { markdownTable } from '../table.ts'

const { values: options } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } })
const OPERATOR = 'system:serviceaccount:todochatbot-system:todochatbot-operator'

const cluster = await testCluster()
await cluster.close()
const log = await followAuditLog(cluster.auditLogPath)
const counts = new Map<string, number>()
for (let minute = 1; minute <= Number(options.minutes); minute += 1) {
  await sleep(60_000)
  for (const { user, verb, resource } of await log.next()) {
    if (user !== OPERATOR) continue
    const what = `${verb} ${resource}`
    counts.set(what, (counts.get(what) ?? 0) + 1)
  }
  console.error(`minute ${minute}: ${JSON.stringify(Object.fromEntries(counts))}`)
}
console.log(markdownTable([`requests of the operator in ${options.minutes} minutes`, 'count'], [...counts]))
const asked = [...counts.keys()].filter((what) => !what.endsWith(' leases'))
console.log(asked.length === 0 ? 'nothing but its Lease' : `more than its Lease: ${asked.join(', ')}`)
process.exitCode = asked.length === 0 ? 0 : 1
