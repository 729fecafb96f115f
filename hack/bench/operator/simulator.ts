import { request } from 'undici'
import { waitFor } from '../../cluster/waiting.ts'
import { connectionPool, watchObjects } from './watch.ts'
import type { WatchedObject } from './watch.ts'

/**
 * Stands in for the kubelet and the controllers of a real cluster on the control-plane profile, where pods do not run:
 * every Job is marked complete and every Deployment and StatefulSet available as soon as its spec is seen. It is the
 * same for every contestant, and so is the load it puts on the API server.
 */
export interface Simulator {
  /** Ends it. @throws Error when it failed meanwhile. */
  stop(): Promise<void>
}

/** Starts the simulator on the API server of the kubeconfig. */
export async function startSimulator(kubeconfigPath: string): Promise<Simulator> {
  const pool = await connectionPool(kubeconfigPath, 16)
  const ending = new AbortController()
  const failures: unknown[] = []
  const follow = (
    group: string,
    plural: string,
    statusOf: (object: WatchedObject) => object | undefined,
  ): Promise<void> =>
    watchObjects(
      pool,
      `/apis/${group}/v1/${plural}`,
      (object) => {
        const status = statusOf(object)
        if (status === undefined) return
        const { namespace, name } = object.metadata
        const path = `/apis/${group}/v1/namespaces/${namespace}/${plural}/${name}/status`
        writeStatus(`${pool.server}${path}`, status).catch((error: unknown) => {
          if (!ending.signal.aborted) failures.push(error)
        })
      },
      ending.signal,
    ).catch((error: unknown) => {
      if (!ending.signal.aborted) failures.push(error)
    })
  /** Tried again while the API server does not answer: it may be restarting. */
  const writeStatus = async (url: string, status: object): Promise<void> => {
    const send = async (): Promise<string> => {
      const response = await request(url, {
        method: 'PATCH',
        dispatcher: pool.agent,
        headers: { 'content-type': 'application/merge-patch+json', 'user-agent': 'bench-simulator' },
        body: JSON.stringify({ status }),
        signal: ending.signal,
      })
      const answer = await response.body.text()
      if (response.statusCode >= 500 || response.statusCode === 429) throw new Error(`HTTP ${response.statusCode}`)
      // An object that was deleted meanwhile has no status to write.
      return response.statusCode >= 400 && response.statusCode !== 404
        ? `HTTP ${response.statusCode} ${answer.slice(0, 500)}`
        : ''
    }
    const refused = await waitFor(`PATCH ${url}`, send, { timeout: 60_000, signal: ending.signal })
    if (refused !== '') throw new Error(`PATCH ${url}: ${refused}`)
  }
  const watches = [
    follow('apps', 'deployments', deploymentStatus),
    follow('apps', 'statefulsets', statefulSetStatus),
    follow('batch', 'jobs', jobStatus),
  ]
  return {
    async stop() {
      ending.abort()
      await Promise.all(watches)
      await pool.agent.destroy()
      if (failures.length > 0) throw new AggregateError(failures, `the simulator failed: ${String(failures[0])}`)
    },
  }
}

const isCurrent = (object: WatchedObject): boolean =>
  object.status?.['observedGeneration'] === object.metadata.generation

function deploymentStatus(object: WatchedObject): object | undefined {
  if (isCurrent(object)) return undefined
  const now = new Date().toISOString()
  const replicas = object.spec?.replicas ?? 1
  const condition = (type: string, reason: string): object => ({
    ...{ type, reason, status: 'True', message: '', lastUpdateTime: now, lastTransitionTime: now },
  })
  return {
    observedGeneration: object.metadata.generation,
    ...{ replicas, updatedReplicas: replicas, readyReplicas: replicas, availableReplicas: replicas },
    conditions: [
      condition('Available', 'MinimumReplicasAvailable'),
      condition('Progressing', 'NewReplicaSetAvailable'),
    ],
  }
}

function statefulSetStatus(object: WatchedObject): object | undefined {
  if (isCurrent(object)) return undefined
  const replicas = object.spec?.replicas ?? 1
  const revision = `${object.metadata.name}-simulated`
  return {
    observedGeneration: object.metadata.generation,
    ...{ replicas, readyReplicas: replicas, availableReplicas: replicas },
    ...{ currentReplicas: replicas, updatedReplicas: replicas },
    ...{ currentRevision: revision, updateRevision: revision },
  }
}

function jobStatus(object: WatchedObject): object | undefined {
  if (object.status?.['succeeded'] !== undefined) return undefined
  const now = new Date().toISOString()
  const condition = (type: string): object => ({
    ...{ type, status: 'True', reason: 'CompletionsReached', message: '', lastProbeTime: now, lastTransitionTime: now },
  })
  return {
    ...{ startTime: now, completionTime: now, succeeded: 1, ready: 0, uncountedTerminatedPods: {} },
    conditions: [condition('SuccessCriteriaMet'), condition('Complete')],
  }
}
