/**
 * What one write costs the API server, in CPU time: a ConfigMap, and the status of a TodoChatbot of about the same size, with the CRD as it is
 * and with one that keeps who owns which field of the status (docs/adr/0037). One server-side apply after the other, each with a change.
 * `hack/bench/run writes [--writes 300] [--json file]`
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { parse } from 'yaml'
import { apiClient } from '../../cluster/api-client.ts'
import { findDaemon } from '../../cluster/daemon.ts'
import { repository } from '../../cluster/folders.ts'
import { startControlPlane } from '../../cluster/index.ts'
import { waitFor } from '../../cluster/waiting.ts'
import { processCpu } from '../process-cpu.ts'
import { rounded } from '../statistics.ts'
import { markdownTable } from '../table.ts'
import { aStatus } from './status.ts'

const { values: options } = parseArgs({
  options: { writes: { type: 'string', default: '300' }, json: { type: 'string' } },
})
const writes = Number(options.writes)
/** Before the first one that counts: the API server prepares a kind when it is written for the first time. */
const WARM_UP = 30

interface Definition {
  readonly spec: { readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: Schema } }[] }
}
interface Schema {
  readonly properties: { readonly status: Record<string, unknown> }
}

/** CPU time per write, ms, and the bytes of the last body. */
interface Cost {
  readonly what: string
  readonly cpu: number
  readonly bytes: number
}

const shipped = parse(await readFile(join(repository, 'crds/todochatbot.dev_todochatbots.yaml'), 'utf8')) as Definition
const granular = structuredClone(shipped)
for (const { schema } of granular.spec.versions)
  delete schema.openAPIV3Schema.properties.status['x-kubernetes-map-type']

const costs = [...(await measure('as it is', shipped)), ...(await measure('with an owner for each field', granular))]
const floor = costs[0]?.cpu ?? Number.NaN
if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify({ writes, costs }, null, 2)}\n`)
console.log(
  markdownTable(
    ['write', 'bytes', 'API server CPU', '÷ ConfigMap'],
    costs.map(({ what, bytes, cpu }) => [what, bytes, `${rounded(cpu, 1)} ms`, rounded(cpu / floor, 1)]),
  ),
)

async function measure(how: string, definition: Definition): Promise<Cost[]> {
  const plane = await startControlPlane({})
  const client = await apiClient(plane.kubeconfigPath)
  try {
    const [server] = await findDaemon(plane.stateDir, 'kube-apiserver')
    if (server === undefined) throw new Error('kube-apiserver does not run')
    const systems = '/apis/todochatbot.dev/v1alpha1/namespaces/default/todochatbots'
    await client.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition)
    await waitFor('TodoChatbots served', async () => (await client.call('GET', systems)) !== undefined || undefined, {
      timeout: 30_000,
    })
    const system = { apiVersion: 'todochatbot.dev/v1alpha1', kind: 'TodoChatbot', metadata: { name: 'todo' } }
    await client.call('POST', systems, { ...system, spec: {} })
    const filling = JSON.stringify(aStatus(0))
    const cost = async (what: string, path: string, bodyOf: (round: number) => object): Promise<Cost> => {
      const write = (round: number): Promise<unknown> =>
        client.call('PATCH', `${path}?fieldManager=bench&force=true`, bodyOf(round), 'application/apply-patch+yaml')
      for (let round = 0; round < WARM_UP; round += 1) await write(round)
      const before = await processCpu(server.pid)
      for (let round = 0; round < writes; round += 1) await write(WARM_UP + round)
      const cpu = ((await processCpu(server.pid)) - before) / writes
      return { what, cpu, bytes: JSON.stringify(bodyOf(0)).length }
    }
    const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'bench' } }
    return [
      await cost('ConfigMap', '/api/v1/namespaces/default/configmaps/bench', (round) => ({
        ...configMap,
        data: { filling, round: String(round) },
      })),
      await cost(`status, ${how}`, `${systems}/todo/status`, (round) => ({ ...system, status: aStatus(round) })),
    ]
  } finally {
    await client.close()
    await plane.stop()
  }
}
