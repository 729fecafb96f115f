/**
 * Plays the parts of a cluster that a control plane alone does not have: controllers of workloads, scheduler, kubelet and daprd. Pods become
 * ready at once; a worker's sidecar answers on 127.n.x.y:3501 with the components scoped to it; Jobs complete, those of an Incident with the
 * report of an archive. Deployments keep a ReplicaSet per template and replace no pod before its successor is ready.
 */
import { createServer, type Server } from 'node:http'
import type { KubeClient } from '../../src/kube/client.ts'
import { kinds, type ResourceKind } from '../../src/kube/kinds.ts'
import { isNotFound, KubeError } from '../../src/kube/kube-error.ts'
import { keyOf, type KubeObject } from '../../src/kube/object.ts'
import { endOfJob, simulatedDestination, type JobWorld, type SimulatedDestination } from './simulated-jobs.ts'
import { becomesReady, claimVolumes, podStatus, portOf, replicaSetOf } from './simulated-workload.ts'
import type { Misbehaviour, PodTemplate } from './simulated-workload.ts'

export type { Misbehaviour }

/** See the header of this file. */
export interface WorkloadSimulator {
  /** `Kind/name` of a workload; undefined heals it. A change replaces its pods. */
  misbehave: (workload: string, how: Misbehaviour | undefined) => void
  /** What the Jobs of Incidents could not collect from now on. */
  missEvidence: (missing: readonly { readonly what: string; readonly why: string }[]) => void
  /** Where Jobs of backups leave what they make. */
  readonly destination: SimulatedDestination
  /** A template of a Deployment whose JSON holds `text` never becomes ready; pods of other templates stay as they are. */
  refuseTemplate: (workload: string, text: string, how: Misbehaviour) => void
  /** The next pods of a workload are born so, one for each; those that replace them are well. */
  bear: (workload: string, ...how: readonly Misbehaviour[]) => void
  /** The pods that a workload has now get this status and are not ready; those that replace them are well. */
  breakPods: (namespace: string, workload: string, status: object) => Promise<void>
  /** How many pods of a workload were ever started. */
  podsStarted: (namespace: string, name: string) => number
  /** Ends all misbehaviour. */
  heal: () => void
  stop: () => Promise<void>
}

const fieldManager = 'workload-simulator'
const sidecarPort = 3501
/** Sidecars all listen on one port: test runs beside each other on one machine have loopback networks of their own. */
const network = 1 + (process.pid % 254)

/** Starts playing. `every`: ms between two looks at the cluster. */
export function simulateWorkloads(client: KubeClient, every = 100): WorkloadSimulator {
  const stopping = new AbortController()
  const misbehaviours = new Map<string, Misbehaviour>()
  const badTemplates = new Map<string, { readonly text: string; readonly how: Misbehaviour }>()
  const births = new Map<string, readonly Misbehaviour[]>()
  const sidecars = new Map<string, { servers: readonly Server[]; ip: string }>()
  const seen = new Map<string, string>()
  /** Uids of pods that were broken. */
  const broken = new Set<string>()
  const started = new Map<string, number>()
  let nextIp = 1
  const jobs: JobWorld = { destination: simulatedDestination(), missingEvidence: [] }
  /** How Jobs ended, by uid; one without an entry still works. */
  const ends = new Map<string, boolean>()

  const ignoreGone = (error: unknown): void => {
    if (!(error instanceof KubeError) || ![403, 404, 409].includes(error.status)) throw error // 403: no ServiceAccount yet
  }
  const patchStatus = async (kind: ResourceKind, object: KubeObject, status: object): Promise<void> => {
    if (
      JSON.stringify({ ...(object['status'] as object | undefined), ...status }) ===
      JSON.stringify(object['status'] ?? {})
    )
      return
    await client.patch(kind, object.metadata, { status }, { fieldManager, subresource: 'status' }).catch(ignoreGone)
  }

  /** GET /health of a worker: well, with the hot-reloadable settings of its ConfigMap in force. `pod`: namespace/name */
  const workerHealth = (pod: string, appId: string, how: Misbehaviour | undefined): Server =>
    createServer((_request, response) => {
      client.get(kinds.ConfigMap, { namespace: pod.split('/')[0] ?? '', name: `${appId}-config` }).then(
        (configMap) => {
          const data = (configMap['data'] ?? {}) as Record<string, string>
          const { revision } = JSON.parse(data['hot.json'] ?? '{}') as { revision?: string }
          const pool = { total: 2, idle: 2, waiting: how?.kind === 'PoolExhausted' ? 3 : 0 }
          response.end(JSON.stringify({ status: 'healthy', phase: 'ready', checks: {}, pool, config: { revision } }))
        },
        () => response.writeHead(500).end(),
      )
    })

  const startSidecar = async (
    pod: string,
    appId: string,
    port: number | undefined,
    how: Misbehaviour | undefined,
  ): Promise<string> => {
    const known = sidecars.get(pod)
    if (known !== undefined) return known.ip
    const without = how?.kind === 'MissingComponent' ? how.component : undefined
    const ip = `127.${network}.${Math.floor(nextIp / 250) + 2}.${(nextIp++ % 250) + 1}`
    const server = createServer((_request, response) => {
      client.list(kinds.Component, { namespace: pod.split('/')[0] ?? '' }).then(
        ({ items }) => {
          const components = items
            .filter(
              (item) =>
                (item['scopes'] as string[] | undefined)?.includes(appId) === true && item.metadata.name !== without,
            )
            .map((item) => ({ name: item.metadata.name, type: (item['spec'] as { type: string }).type, version: 'v1' }))
          response.end(JSON.stringify({ id: appId, runtimeVersion: '1.18.1', components }))
        },
        () => response.writeHead(500).end(),
      )
    })
    const health = workerHealth(pod, appId, how)
    const listen = (one: Server, on: number): Promise<void> =>
      new Promise((resolve, reject) => {
        one.once('error', reject)
        one.listen(on, ip, resolve)
      })
    await Promise.all([listen(server, sidecarPort), ...(port === undefined ? [] : [listen(health, port)])])
    sidecars.set(pod, { servers: [server, health], ip })
    return ip
  }
  const stopSidecar = (pod: string): void => {
    const sidecar = sidecars.get(pod)
    sidecars.delete(pod)
    for (const server of sidecar?.servers ?? []) {
      server.close()
      server.closeAllConnections()
    }
  }

  const misbehaviourOf = (owner: KubeObject, template: PodTemplate): Misbehaviour | undefined => {
    const id = `${owner.kind}/${owner.metadata.name}`
    const bad = badTemplates.get(id)
    return (
      misbehaviours.get(id) ?? (bad !== undefined && JSON.stringify(template).includes(bad.text) ? bad.how : undefined)
    )
  }

  const nextBirth = (owner: KubeObject): Misbehaviour | undefined => {
    const id = `${owner.kind}/${owner.metadata.name}`
    const [how, ...later] = births.get(id) ?? []
    births.set(id, later)
    return how
  }

  /** Pods of one template; those of an older one are replaced once it is ready. Returns how many are ready, and how many are left of older ones. */
  const runPods = async (
    owner: KubeObject,
    template: PodTemplate,
    count: number,
    pods: readonly KubeObject[],
    completes = false,
  ): Promise<{ ready: number; old: number }> => {
    const how = misbehaviourOf(owner, template)
    const keepsOld = how !== undefined && !misbehaviours.has(`${owner.kind}/${owner.metadata.name}`)
    const hash = JSON.stringify([template, how ?? null])
    const mine = pods.filter(
      ({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid) === true,
    )
    const current = mine.filter(({ metadata }) => seen.get(metadata.uid ?? '') === hash)
    const old = mine.filter((item) => !current.includes(item))
    for (const pod of [...(keepsOld ? [] : old), ...current.slice(count)]) {
      stopSidecar(keyOf(pod.metadata))
      await client.delete(kinds.Pod, pod.metadata, { uid: pod.metadata.uid }).catch(ignoreGone)
    }
    const appId = template.metadata?.annotations?.['dapr.io/app-id']
    for (let index = current.length; index < count; index += 1) {
      const own = nextBirth(owner) ?? how
      const injected = appId === undefined || own?.kind === 'NoSidecar' ? [] : [{ name: 'daprd', image: 'daprd' }]
      const { namespace, name, uid = '' } = owner.metadata
      const suffix = owner.kind === 'StatefulSet' ? String(index) : Math.random().toString(36).slice(2, 8)
      const ownerReferences = [{ apiVersion: owner.apiVersion, kind: owner.kind, name, uid, controller: true }]
      const pod: KubeObject = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: {
          name: `${name}-${suffix}`,
          ...(namespace === undefined ? {} : { namespace }),
          ...template.metadata,
          ownerReferences,
        },
        spec: {
          ...template.spec,
          containers: [...template.spec.containers, ...injected],
          volumes: [...((template.spec['volumes'] ?? []) as object[]), ...claimVolumes(owner, `${name}-${suffix}`)],
        },
      }
      const created = await client.create(pod, { fieldManager }).catch(ignoreGone)
      if (created === undefined) continue
      seen.set(created.metadata.uid ?? '', hash)
      started.set(keyOf(owner.metadata), (started.get(keyOf(owner.metadata)) ?? 0) + 1)
      if (how === undefined && !becomesReady(own)) broken.add(created.metadata.uid ?? '')
      const starts = becomesReady(own) && own?.kind !== 'NoSidecar'
      const ip =
        appId === undefined || !starts
          ? undefined
          : await startSidecar(keyOf(created.metadata), appId, portOf(template), own)
      if (completes && how === undefined) continue
      await patchStatus(kinds.Pod, created, podStatus(created, own, ip))
    }
    if (completes && how === undefined) await endPods(owner, current)
    const down = current.filter(({ metadata }) => broken.has(metadata.uid ?? '')).length
    const ready = becomesReady(how) ? count - down : 0
    return { ready, old: keepsOld ? old.length : 0 }
  }

  /** A pod that has not ended runs, and is looked at again. */
  const endPods = async (job: KubeObject, pods: readonly KubeObject[]): Promise<void> => {
    for (const pod of pods) {
      if (ends.has(job.metadata.uid ?? '')) return
      const end = await endOfJob(client, pod, jobs)
      await patchStatus(kinds.Pod, pod, end?.status ?? podStatus(pod, undefined, undefined))
      if (end !== undefined) ends.set(job.metadata.uid ?? '', end.succeeded)
    }
  }

  const replicaSets = new Set<string>()
  const keepReplicaSet = async (owner: KubeObject, template: PodTemplate): Promise<void> => {
    const replicaSet = replicaSetOf(owner, template)
    const key = `${owner.metadata.uid ?? ''}/${replicaSet.metadata.name}`
    if (replicaSets.has(key)) return
    await client.create(replicaSet, { fieldManager }).catch(ignoreGone)
    replicaSets.add(key)
  }

  const playWorkload = async (
    kind: typeof kinds.Deployment | typeof kinds.StatefulSet,
    object: KubeObject,
    pods: readonly KubeObject[],
  ): Promise<void> => {
    if (object.metadata.deletionTimestamp !== undefined) return
    const { replicas = 1, template } = object['spec'] as { replicas?: number; template: PodTemplate }
    if (kind === kinds.Deployment) await keepReplicaSet(object, template)
    const { ready, old } = await runPods(object, template, replicas, pods)
    await patchStatus(kind, object, {
      observedGeneration: object.metadata.generation ?? 1,
      replicas: replicas + old,
      updatedReplicas: replicas,
      readyReplicas: ready + old,
      availableReplicas: ready + old,
    })
  }

  const playJob = async (job: KubeObject, pods: readonly KubeObject[]): Promise<void> => {
    const { conditions } = (job['status'] ?? {}) as { conditions?: unknown[] }
    if (conditions !== undefined || job.metadata.deletionTimestamp !== undefined) return
    const { template } = job['spec'] as { template: PodTemplate }
    const how = misbehaviours.get('Job') ?? misbehaviours.get(`Job/${job.metadata.name}`)
    if (how?.kind === 'Failed') misbehaviours.set(`Job/${job.metadata.name}`, how)
    await runPods(job, template, 1, pods, true)
    const at = job.metadata.creationTimestamp ?? ''
    const ended = ends.get(job.metadata.uid ?? '')
    if (how?.kind === 'NotStarted' || (how === undefined && ended === undefined)) return
    const done = (type: string): object => ({
      type,
      status: 'True',
      reason: type,
      message: type,
      lastTransitionTime: at,
      lastProbeTime: at,
    })
    const status =
      how?.kind === 'Failed' || ended === false
        ? { startTime: at, failed: 1, conditions: [done('FailureTarget'), done('Failed')] }
        : {
            startTime: at,
            completionTime: at,
            succeeded: 1,
            conditions: [done('SuccessCriteriaMet'), done('Complete')],
          }
    await patchStatus(kinds.Job, job, status)
  }

  /** The garbage collector's part: what is owned by something that is gone goes too. */
  const collect = async (alive: ReadonlySet<string>, objects: readonly KubeObject[]): Promise<void> => {
    const orphans = objects.filter(({ metadata: { ownerReferences: [owner] = [] } }) => owner && !alive.has(owner.uid))
    await Promise.all(
      orphans.map(({ kind, metadata }) => {
        if (kind === 'Pod') stopSidecar(keyOf(metadata))
        return client.delete(kinds[kind as keyof typeof kinds], metadata, { uid: metadata.uid }).catch(ignoreGone)
      }),
    )
  }

  const everything = [
    'Deployment',
    'StatefulSet',
    'Job',
    'ReplicaSet',
    'Pod',
    'ConfigMap',
    'Secret',
    'Service',
    'ServiceAccount',
    'Role',
    'RoleBinding',
    'NetworkPolicy',
    'Component',
    'Configuration',
    'Resiliency',
    'Subscription',
    'Incident',
    'Replay',
    'Restore',
    'Backup',
    'TodoChatbot',
  ] as const satisfies readonly (keyof typeof kinds)[]

  const look = async (): Promise<void> => {
    const lists = await Promise.all(
      everything.map(async (kind) => [kind, (await client.list(kinds[kind]).catch(none)).items] as const),
    )
    const of = Object.fromEntries(lists) as Record<(typeof everything)[number], readonly KubeObject[]>
    await Promise.all([
      ...of.Deployment.map((item) => playWorkload(kinds.Deployment, item, of.Pod)),
      ...of.StatefulSet.map((item) => playWorkload(kinds.StatefulSet, item, of.Pod)),
      ...of.Job.map((item) => playJob(item, of.Pod)),
    ])
    const all = Object.values(of).flat()
    await collect(new Set(all.map(({ metadata }) => metadata.uid ?? '')), all)
  }
  const none = (error: unknown): { items: readonly KubeObject[] } => {
    if (isNotFound(error)) return { items: [] }
    throw error
  }

  const play = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await look().catch((error: unknown) => {
        // An API server that is away or restarting is looked at again.
        if (!stopping.signal.aborted && !(error instanceof KubeError && [0, 429, 500, 503].includes(error.status)))
          throw error
      })
      await new Promise((resolve) => setTimeout(resolve, every))
    }
  }
  const playing = play()

  return {
    misbehave: (workload, how) => {
      if (how === undefined) misbehaviours.delete(workload)
      else misbehaviours.set(workload, how)
    },
    missEvidence: (missing) => {
      jobs.missingEvidence = missing
    },
    destination: jobs.destination,
    refuseTemplate: (workload, text, how) => badTemplates.set(workload, { text, how }),
    bear: (workload, ...how) => births.set(workload, how),
    breakPods: async (namespace, workload, status) => {
      const { items } = await client.list(kinds.Pod, { namespace })
      for (const pod of items) {
        if (!pod.metadata.ownerReferences?.some(({ kind, name }) => `${kind}/${name}` === workload)) continue
        broken.add(pod.metadata.uid ?? '')
        await patchStatus(kinds.Pod, pod, status)
      }
    },
    podsStarted: (namespace, name) => started.get(keyOf({ namespace, name })) ?? 0,
    heal: () => {
      misbehaviours.clear()
      badTemplates.clear()
      births.clear()
      jobs.missingEvidence = []
      Object.assign(jobs.destination, { refuses: undefined, held: false, pruneHeld: false, missing: [] })
    },
    stop: async () => {
      stopping.abort()
      await playing
      for (const pod of sidecars.keys()) stopSidecar(pod)
    },
  }
}
