/** Several systems in one namespace whose workers fail, as the remediation sees them and as an admin sees what it did. */
import type { RemediationStatus, ServiceStatus, TodoChatbotStatus } from '../../src/api/v1alpha1/schema/status.ts'
import type { TodoChatbotSpecInput } from '../../src/api/v1alpha1/todochatbot.ts'
import { kinds } from '../../src/kube/kinds.ts'
import type { KubeObject } from '../../src/kube/object.ts'
import { applyBot, statusOf, until, untilCondition, type TestCluster } from './harness.ts'

/** One worker of one system. */
export interface Patient {
  readonly system: string
  /** Kebab-case. */
  readonly worker: string
}

/** See the header of this file. */
export interface RemediationWorld {
  /** Applies a system whose workers count as failed after 10 s and as healed after 1 s. */
  apply: (system: string, spec?: TodoChatbotSpecInput) => Promise<void>
  ready: (system: string) => Promise<unknown>
  status: (system: string) => Promise<TodoChatbotStatus | undefined>
  /** status.remediation, oldest first. */
  ledger: (system: string) => Promise<readonly RemediationStatus[]>
  unhealthy: (patient: Patient) => Promise<ServiceStatus['unhealthy']>
  /** Waits until the worker is said to be unhealthy, with what is done about it. */
  untilSaid: (patient: Patient, remediation: string) => Promise<NonNullable<ServiceStatus['unhealthy']>>
  /** Waits until so many actions have ended, and returns all. */
  untilEnded: (system: string, count: number) => Promise<readonly RemediationStatus[]>
  events: (system: string) => Promise<readonly { readonly reason: string; readonly note: string }[]>
  deployment: (patient: Patient) => Promise<KubeObject>
  pods: (patient: Patient) => Promise<readonly string[]>
  deletePod: (patient: Patient) => Promise<void>
  /** The pods of a worker fail; see {@link failingPod}. */
  fail: (patient: Patient, how: Failure) => Promise<void>
}

/** How a pod fails: its whole status, and the one of its worker's container. */
export interface Failure {
  readonly pod?: object
  readonly container?: object
  readonly conditions?: readonly object[]
}

/** The status of a pod that runs and is not ready. */
export const failingPod = (worker: string, { pod = {}, container = {}, conditions = [] }: Failure): object => ({
  phase: 'Running',
  conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: new Date().toISOString() }, ...conditions],
  containerStatuses: [worker, 'daprd'].map((name) => ({
    name,
    image: 'x',
    imageID: 'x',
    ready: name === 'daprd',
    restartCount: 0,
    started: true,
    state: { running: {} },
    ...(name === worker ? container : {}),
  })),
  ...pod,
})

/** For operators of these tests: the routine checks would find that there is no Dapr, which is a cause outside. */
export const withoutChecks = { CHECKS_SPREAD: '1d' } as const

/** A container that the kubelet does not start again for a while. */
export const backsOff: Failure = {
  container: { restartCount: 5, state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 5m0s' } } },
}

const isUnderWay = ({ finishedAt }: RemediationStatus): boolean => finishedAt === undefined

/** @param brokers of the Kafka that all systems share */
export function remediationWorld(cluster: TestCluster, namespace: string, brokers: string): RemediationWorld {
  const { client } = cluster
  const status: RemediationWorld['status'] = (system) => statusOf(client, namespace, system)
  const ledger: RemediationWorld['ledger'] = async (system) => ((await status(system))?.remediation ?? []).toReversed()
  const unhealthy: RemediationWorld['unhealthy'] = async ({ system, worker }) =>
    (await status(system))?.services?.find(({ name }) => name === worker)?.unhealthy
  const podsOf = async ({ system, worker }: Patient): Promise<readonly KubeObject[]> => {
    const labelSelector = `app.kubernetes.io/instance=${system},app.kubernetes.io/name=${worker}`
    const { items } = await client.list(kinds.Pod, { namespace, labelSelector })
    return items.filter(({ metadata }) => metadata.ownerReferences?.[0]?.kind === 'Deployment')
  }
  return {
    status,
    ledger,
    unhealthy,
    apply: async (system, { remediation, ...spec } = {}) => {
      const settings: TodoChatbotSpecInput = {
        remediation: { unhealthyAfter: '10s', healthyDelay: '1s', ...remediation },
        kafka: { mode: 'External', bootstrapServers: [brokers], topicPrefix: `${system}.` },
        ...spec,
      }
      await applyBot(client, namespace, settings, system)
    },
    ready: (name) => untilCondition(client, namespace, { type: 'Ready', status: 'True' }, { name, deadline: 120_000 }),
    untilSaid: (patient, remediation) =>
      until(`${patient.worker} of ${patient.system} is ${remediation}`, async () => {
        const said = await unhealthy(patient)
        if (said?.remediation !== remediation) throw new Error(`it is ${JSON.stringify(said)}`)
        return said
      }),
    untilEnded: (system, count) =>
      until(
        `${count} actions on ${system} have ended`,
        async () => {
          const entries = await ledger(system)
          if (entries.filter(isUnderWay).length > 1) throw new Error(`${system} has two actions under way`)
          if (entries.filter((entry) => !isUnderWay(entry)).length >= count) return entries
          const { services, storm } = (await status(system)) ?? {}
          throw new Error(JSON.stringify({ entries, storm, unhealthy: services?.map((one) => one.unhealthy) }))
        },
        100_000,
      ),
    events: async (system) => {
      const { items } = await client.list(kinds.Event, { namespace })
      return items
        .filter((event) => (event['regarding'] as { name?: string } | undefined)?.name === system)
        .map((event) => ({ reason: String(event['reason']), note: String(event['note']) }))
    },
    deployment: ({ system, worker }) => client.get(kinds.Deployment, { namespace, name: `${system}-${worker}` }),
    pods: async (patient) => (await podsOf(patient)).map(({ metadata }) => metadata.name).sort(),
    deletePod: async (patient) => {
      const [pod] = await podsOf(patient)
      if (pod === undefined) throw new Error(`${patient.worker} of ${patient.system} has no pod`)
      await client.delete(kinds.Pod, pod.metadata)
    },
    fail: ({ system, worker }, how) =>
      cluster.workloads.breakPods(namespace, `Deployment/${system}-${worker}`, failingPod(worker, how)),
  }
}
