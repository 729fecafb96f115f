/**
 * What is collected, in this order: what is gone first comes first. Each kind of evidence stands alone: one that cannot be had is noted in
 * `missing` with the reason, and the others go on. After the deadline nothing more is begun.
 */
import type { Archive } from './archive.ts'
import type { EvidenceConfig } from './config.ts'
import { logsOf } from './logs.ts'
import type { ApiObject, ApiServer } from './kubernetes.ts'
import { redactObject } from './redact-objects.ts'
import type { Redact } from './redact.ts'
import type { Missing } from './report.ts'

/** Port on which daprd serves health and metadata without a token. */
const sidecarPort = 3501

/** Where evidence comes from. */
export interface Sources {
  readonly config: EvidenceConfig
  readonly api: ApiServer
  /** Body of an HTTP GET. */
  readonly fetchText: (url: string) => Promise<string>
  /** Undefined: Kafka was not configured. */
  readonly offsets: (() => Promise<object>) | undefined
  readonly redact: Redact
  readonly signal: AbortSignal
}

const daprKinds = [
  ['v1alpha1', 'components'],
  ['v2alpha1', 'subscriptions'],
  ['v1alpha1', 'resiliencies'],
  ['v1alpha1', 'configurations'],
] as const

/** Collects everything into the archive; returns what could not be had. Rejects only when the archive itself cannot be written. */
export const collect = async (sources: Sources, archive: Archive): Promise<readonly Missing[]> => {
  const { config, api, redact, signal, fetchText, offsets } = sources
  const { namespace, deployment, podSelector, daprSelector, system } = config
  const core = `/api/v1/namespaces/${namespace}`
  const apps = `/apis/apps/v1/namespaces/${namespace}`
  const missing: Missing[] = []
  let pods: readonly ApiObject[] = []
  let replicaSets: readonly ApiObject[] = []

  const timeIsUp = (): boolean => signal.aborted

  /** One kind of evidence: what fails is noted, and says so in the archive. */
  const attempt = async (what: string, work: () => Promise<void>): Promise<void> => {
    if (timeIsUp()) {
      missing.push({ what, why: 'the time was up' })
      return
    }
    try {
      await work()
    } catch (error) {
      missing.push({ what, why: timeIsUp() ? 'the time was up' : reasonOf(error) })
    }
  }
  const put = async (what: string, path: string, text: string, rest: { truncated?: boolean; keep?: 'end' } = {}) => {
    if (!(await archive.add({ what, path, text: redact(text), ...rest })))
      missing.push({ what: `${what}: ${path}`, why: 'the archive is full' })
  }
  const putObject = (what: string, path: string, object: unknown): Promise<void> =>
    put(what, path, `${JSON.stringify(redactObject(object), undefined, 2)}\n`)

  await attempt('pods', async () => {
    pods = await api.list(`${core}/pods`, { labelSelector: podSelector })
    for (const pod of pods) await putObject('pods', `pods/${pod.metadata.name}/pod.json`, pod)
    if (pods.length === 0) missing.push({ what: 'pods', why: `no pod has the labels ${podSelector}` })
  })
  for (const pod of pods) {
    const name = pod.metadata.name
    await attempt(`sidecar metadata of ${name}`, async () => {
      const text = await fetchText(`http://${hostOf(pod)}:${sidecarPort}/v1.0/metadata`)
      await put('sidecar metadata', `pods/${name}/sidecar-metadata.json`, text)
    })
  }
  for (const { pod, container, previous, path } of logsOf(pods)) {
    await attempt(`log of ${pod}/${container}${previous ? ', previous run' : ''}`, async () => {
      const query = { container, timestamps: 'true', ...(previous ? { previous: 'true' } : {}) }
      const { text, truncated } = await api.tail(`${core}/pods/${pod}/log`, query, config.limits.fileBytes)
      await put('logs', path, text, { truncated, keep: 'end' })
    })
  }
  await attempt('deployment', async () =>
    putObject('workload', `workload/deployment.json`, await api.get(`${apps}/deployments/${deployment}`)),
  )
  await attempt('rollouts', async () => {
    replicaSets = await api.list(`${apps}/replicasets`, { labelSelector: podSelector })
    for (const set of replicaSets) await putObject('rollouts', `workload/replicasets/${set.metadata.name}.json`, set)
  })
  await attempt('events', async () => {
    const concerned = new Set([deployment, system, ...[...pods, ...replicaSets].map(({ metadata }) => metadata.name)])
    const events = (await api.list(`${core}/events`)).filter((event) => {
      const { name = '' } = (event['involvedObject'] ?? {}) as { name?: string }
      return concerned.has(name) || name.startsWith(`${deployment}-`)
    })
    await putObject(
      'events',
      'events.json',
      events.toSorted((a, b) => timeOf(a).localeCompare(timeOf(b))),
    )
  })
  await attempt('TodoChatbot', async () =>
    putObject(
      'system',
      'todochatbot.json',
      await api.get(`/apis/todochatbot.dev/v1alpha1/namespaces/${namespace}/todochatbots/${system}`),
    ),
  )
  for (const [version, plural] of daprKinds) {
    await attempt(`Dapr ${plural}`, async () => {
      const objects = await api.list(`/apis/dapr.io/${version}/namespaces/${namespace}/${plural}`, {
        labelSelector: daprSelector,
      })
      for (const object of objects.filter(concerns(deployment)))
        await putObject('dapr', `dapr/${plural}/${object.metadata.name}.json`, object)
    })
  }
  await attempt('consumer offsets', async () => {
    if (offsets === undefined) throw new Error('the brokers of this system are not known')
    await putObject('offsets', 'consumer-offsets.json', await offsets())
  })
  return missing
}

/** Without scopes a Dapr object is for every app. */
const concerns =
  (appId: string) =>
  (object: ApiObject): boolean => {
    const scopes = object['scopes']
    return !Array.isArray(scopes) || scopes.includes(appId)
  }

const hostOf = (pod: ApiObject): string => {
  const { podIP } = (pod['status'] ?? {}) as { podIP?: string }
  if (podIP === undefined) throw new Error('the pod has no address')
  return podIP.includes(':') ? `[${podIP}]` : podIP
}

const timeOf = (event: ApiObject): string => {
  const { lastTimestamp, eventTime } = event as { lastTimestamp?: string | null; eventTime?: string | null }
  return lastTimestamp ?? eventTime ?? event.metadata.creationTimestamp ?? ''
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
