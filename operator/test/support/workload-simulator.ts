/**
 * Plays the parts of a cluster that a control plane alone does not have: controllers of workloads, scheduler, kubelet and daprd. Pods become
 * ready at once; a worker's sidecar answers on 127.n.x.y:3501 with the components scoped to it; Jobs complete, those of an Incident with the
 * report of an archive. Deployments keep a ReplicaSet per template and replace no pod before its successor is ready.
 */
import type { KubeClient } from '../../src/kube/client.ts'
import { KubeError } from '../../src/kube/kube-error.ts'
import { keyOf, type KubeObject } from '../../src/kube/object.ts'
import type { Transport } from '../../src/kube/transport.ts'
import { endOfJob, simulatedDestination, type JobWorld, type SimulatedDestination } from './simulated-jobs.ts'
import { becomesReady, claimVolumes, podStatus, portOf, replicaSetOf } from './simulated-workload.ts'
import { simulatedSidecars } from './simulated-sidecars.ts'
import type { Misbehaviour, PodTemplate } from './simulated-workload.ts'
import { watchWorld } from './simulated-world.ts'

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

/** Starts playing. `every`: ms between two looks at the cluster; one is taken when something is different, or a Job has not ended. */
export function simulateWorkloads(
  connection: { readonly transport: Transport; readonly client: KubeClient },
  every = 100,
): WorkloadSimulator {
  const { client } = connection
  const stopping = new AbortController()
  const misbehaviours = new Map<string, Misbehaviour>()
  const badTemplates = new Map<string, { readonly text: string; readonly how: Misbehaviour }>()
  const births = new Map<string, readonly Misbehaviour[]>()
  const seen = new Map<string, string>()
  /** Uids of pods that were broken. */
  const broken = new Set<string>()
  /** Pods that were created and have not started, by uid, with what they do. */
  const newborn = new Map<string, Misbehaviour | undefined>()
  const started = new Map<string, number>()
  const jobs: JobWorld = { destination: simulatedDestination(), missingEvidence: [] }
  /** How Jobs ended, by uid; one without an entry still works. */
  const ends = new Map<string, boolean>()
  let different = true
  const look = (): void => {
    different = true
  }
  const world = watchWorld(connection, look)
  const sidecars = simulatedSidecars(world)

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

  /** Starts a pod that was created. Where the API server did not answer it stays newborn, for the next look. */
  const start = async (pod: KubeObject, template: PodTemplate, endsByItself: boolean): Promise<void> => {
    const uid = pod.metadata.uid ?? ''
    const own = newborn.get(uid)
    const appId = template.metadata?.annotations?.['dapr.io/app-id']
    const starts = becomesReady(own) && own?.kind !== 'NoSidecar'
    const ip =
      appId === undefined || !starts
        ? undefined
        : await sidecars.start(keyOf(pod.metadata), appId, portOf(template), own)
    if (!endsByItself) await world.patchStatus('Pod', pod, podStatus(pod, own, ip))
    newborn.delete(uid)
  }

  /** Pods of one template; those of an older one are replaced once it is ready. Returns how many are ready, and how many are left of older ones. */
  const runPods = async (
    owner: KubeObject,
    template: PodTemplate,
    count: number,
    completes = false,
  ): Promise<{ ready: number; old: number }> => {
    const how = misbehaviourOf(owner, template)
    const keepsOld = how !== undefined && !misbehaviours.has(`${owner.kind}/${owner.metadata.name}`)
    const hash = JSON.stringify([template, how ?? null])
    const mine = world.ownedBy('Pod', owner.metadata.uid ?? '')
    const current = mine.filter(({ metadata }) => seen.get(metadata.uid ?? '') === hash)
    const old = mine.filter((item) => !current.includes(item))
    for (const pod of [...(keepsOld ? [] : old), ...current.slice(count)]) {
      sidecars.stop(keyOf(pod.metadata))
      await world.delete('Pod', pod)
    }
    /** What its status says at the end is for {@link endPods}. */
    const endsByItself = completes && how === undefined
    const appId = template.metadata?.annotations?.['dapr.io/app-id']
    for (const pod of current.slice(0, count))
      if (newborn.has(pod.metadata.uid ?? '')) await start(pod, template, endsByItself)
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
      const created = await world.create(pod)
      if (created === undefined) continue
      seen.set(created.metadata.uid ?? '', hash)
      started.set(keyOf(owner.metadata), (started.get(keyOf(owner.metadata)) ?? 0) + 1)
      if (how === undefined && !becomesReady(own)) broken.add(created.metadata.uid ?? '')
      newborn.set(created.metadata.uid ?? '', own)
      await start(created, template, endsByItself)
    }
    if (endsByItself) await endPods(owner, current)
    const down = current.filter(({ metadata }) => broken.has(metadata.uid ?? '')).length
    const ready = becomesReady(how) ? count - down : 0
    return { ready, old: keepsOld ? old.length : 0 }
  }

  /** A pod that has not ended runs, and is looked at again. */
  const endPods = async (job: KubeObject, pods: readonly KubeObject[]): Promise<void> => {
    for (const pod of pods) {
      if (ends.has(job.metadata.uid ?? '')) return
      const end = await endOfJob(client, pod, jobs)
      await world.patchStatus('Pod', pod, end?.status ?? podStatus(pod, undefined, undefined))
      if (end !== undefined) ends.set(job.metadata.uid ?? '', end.succeeded)
    }
  }

  const replicaSets = new Set<string>()
  const keepReplicaSet = async (owner: KubeObject, template: PodTemplate): Promise<void> => {
    const replicaSet = replicaSetOf(owner, template)
    const key = `${owner.metadata.uid ?? ''}/${replicaSet.metadata.name}`
    if (replicaSets.has(key)) return
    await world.create(replicaSet)
    replicaSets.add(key)
  }

  const playWorkload = async (kind: 'Deployment' | 'StatefulSet', object: KubeObject): Promise<void> => {
    if (object.metadata.deletionTimestamp !== undefined) return
    const { replicas = 1, template } = object['spec'] as { replicas?: number; template: PodTemplate }
    if (kind === 'Deployment') await keepReplicaSet(object, template)
    const { ready, old } = await runPods(object, template, replicas)
    await world.patchStatus(kind, object, {
      observedGeneration: object.metadata.generation ?? 1,
      replicas: replicas + old,
      updatedReplicas: replicas,
      readyReplicas: ready + old,
      availableReplicas: ready + old,
    })
  }

  const isUnderWay = (job: KubeObject): boolean =>
    (job['status'] as { conditions?: unknown[] } | undefined)?.conditions === undefined &&
    job.metadata.deletionTimestamp === undefined
  const playJob = async (job: KubeObject): Promise<void> => {
    if (!isUnderWay(job)) return
    const { template } = job['spec'] as { template: PodTemplate }
    const how = misbehaviours.get('Job') ?? misbehaviours.get(`Job/${job.metadata.name}`)
    if (how?.kind === 'Failed') misbehaviours.set(`Job/${job.metadata.name}`, how)
    await runPods(job, template, 1, true)
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
    await world.patchStatus('Job', job, status)
  }

  const lookAtAll = async (): Promise<void> => {
    different = false
    await Promise.all([
      ...world.list('Deployment').map((item) => playWorkload('Deployment', item)),
      ...world.list('StatefulSet').map((item) => playWorkload('StatefulSet', item)),
      ...world.list('Job').map((item) => playJob(item)),
    ])
    if (world.list('Job').some(isUnderWay)) look()
    for (const { kind, metadata } of await world.collect()) if (kind === 'Pod') sidecars.stop(keyOf(metadata))
  }

  const play = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      if (different)
        await lookAtAll().catch((error: unknown) => {
          look()
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
      look()
    },
    missEvidence: (missing) => {
      jobs.missingEvidence = missing
    },
    destination: jobs.destination,
    refuseTemplate: (workload, text, how) => {
      badTemplates.set(workload, { text, how })
      look()
    },
    bear: (workload, ...how) => births.set(workload, how),
    breakPods: async (namespace, workload, status) => {
      for (const pod of world.inNamespace('Pod', namespace)) {
        if (!pod.metadata.ownerReferences?.some(({ kind, name }) => `${kind}/${name}` === workload)) continue
        broken.add(pod.metadata.uid ?? '')
        await world.patchStatus('Pod', pod, status)
      }
      look()
    },
    podsStarted: (namespace, name) => started.get(keyOf({ namespace, name })) ?? 0,
    heal: () => {
      misbehaviours.clear()
      badTemplates.clear()
      births.clear()
      jobs.missingEvidence = []
      Object.assign(jobs.destination, { refuses: undefined, held: false, pruneHeld: false, missing: [] })
      look()
    },
    stop: async () => {
      stopping.abort()
      await playing
      await world.stop()
      sidecars.stopAll()
    },
  }
}
