import { request } from 'undici'
import { kindOf, pathOf } from '../../../operator/src/kube/kinds.ts'
import type { KubeObject } from '../../../operator/src/kube/object.ts'
import { inFlight, rounded } from '../statistics.ts'
import { IN_FLIGHT } from './contestants.ts'
import type { RunInput } from './measure.ts'
import { replicas, render } from './resources.ts'
import { startSimulator } from './simulator.ts'
import { connectionPool } from './watch.ts'

/** The same bytes without an operator: what the API server itself needs. Times in ms. */
export interface Floor {
  readonly resources: number
  readonly objectsPerResource: number
  /** From the first to the last object applied. */
  readonly applied: number
  /** From the first to the last Deployment applied again with other replicas, one per resource. */
  readonly editAll: number
}

/** Sends every object of every system as a server-side apply over keep-alive connections, 32 in flight, and then one changed Deployment each. */
export async function measureFloor({ environment, systems, template }: RunInput): Promise<Floor> {
  const simulator = await startSimulator(environment.plane.kubeconfigPath)
  const { server, agent } = await connectionPool(environment.plane.kubeconfigPath, IN_FLIGHT)
  const apply = async (object: KubeObject): Promise<void> => {
    const path = pathOf(kindOf(object), { namespace: object.metadata.namespace, name: object.metadata.name })
    const response = await request(`${server}${path}?fieldManager=bench-floor&force=true`, {
      method: 'PATCH',
      dispatcher: agent,
      headers: { 'content-type': 'application/apply-patch+yaml', 'user-agent': 'bench-floor' },
      body: JSON.stringify(object),
    })
    const answer = await response.body.text()
    if (response.statusCode >= 300)
      throw new Error(`apply ${path}: HTTP ${response.statusCode} ${answer.slice(0, 500)}`)
  }
  const timed = async (objects: readonly KubeObject[]): Promise<number> => {
    const start = performance.now()
    await inFlight(objects, IN_FLIGHT, apply)
    return rounded(performance.now() - start)
  }
  const chatApi = ({ kind, metadata }: KubeObject): boolean =>
    kind === 'Deployment' && metadata.name.endsWith('-chat-api')
  try {
    const applied = await timed(systems.flatMap((system) => render(template, system, replicas.first)))
    const editAll = await timed(systems.flatMap((system) => render(template, system, replicas.third).filter(chatApi)))
    return { resources: systems.length, objectsPerResource: template.objects, applied, editAll }
  } finally {
    await simulator.stop()
    await agent.destroy()
  }
}
