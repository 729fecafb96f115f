import { kinds } from '../../../operator/src/kube/kinds.ts'
import type { KubeObject } from '../../../operator/src/kube/object.ts'
import type { Condition, TodoChatbotStatus } from '../../../operator/src/api/v1alpha1/schema/status.ts'
import type { TestCluster } from './cluster.ts'
import { eventually } from './eventually.ts'
import { httpClient } from './http-client.ts'
import type { HttpClient } from './http-client.ts'
import { serviceAddress } from './service-address.ts'

/** ms in which a fresh system must be Ready on the dev cluster, with room for a machine that does other things as well. */
export const READY_DEADLINE = 240_000

/** One TodoChatbot on the cluster. */
export interface System {
  readonly namespace: string
  readonly name: string
  /** Applies the resource with this spec through kubectl. */
  apply(spec?: Readonly<Record<string, unknown>>): Promise<void>
  /** Merge patch of the spec through kubectl. */
  edit(spec: Readonly<Record<string, unknown>>): Promise<void>
  resource(): Promise<KubeObject | undefined>
  status(): Promise<Partial<TodoChatbotStatus>>
  condition(type: string): Promise<Condition | undefined>
  /** Waits until Ready is True for the newest generation. */
  ready(deadline?: number): Promise<void>
  /** HTTP to a worker through its Service. */
  worker(worker: 'chat-api' | 'audit' | 'recurring-task' | 'notification'): Promise<HttpClient>
}

/** A system by name; nothing is created yet. */
export function systemIn(cluster: TestCluster, namespace: string, name: string): System {
  const resource = (): Promise<KubeObject | undefined> => cluster.get(kinds.TodoChatbot, { namespace, name })
  const status = async (): Promise<Partial<TodoChatbotStatus>> =>
    ((await resource())?.['status'] as TodoChatbotStatus | undefined) ?? {}
  const condition = async (type: string): Promise<Condition | undefined> =>
    (await status()).conditions?.find((one) => one.type === type)
  return {
    namespace,
    name,
    resource,
    status,
    condition,
    async apply(spec = {}) {
      const manifest = {
        apiVersion: 'todochatbot.dev/v1alpha1',
        kind: 'TodoChatbot',
        metadata: { name, namespace },
        spec,
      }
      await cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify(manifest) })
    },
    async edit(spec) {
      await cluster.kubectl(['patch', 'tcb', name, '-n', namespace, '--type=merge', '-p', JSON.stringify({ spec })])
    },
    async ready(deadline = READY_DEADLINE) {
      await eventually(
        `TodoChatbot ${namespace}/${name} ready`,
        async () => {
          const seen = await resource()
          const now = seen?.['status'] as TodoChatbotStatus | undefined
          const isReady = now?.conditions?.find(({ type }) => type === 'Ready')
          const current = now?.observedGeneration === seen?.metadata.generation
          if (isReady?.status === 'True' && current) return true
          throw new Error(`generation ${String(seen?.metadata.generation)}: ${JSON.stringify(now, null, 1)}`)
        },
        deadline,
      )
    },
    async worker(worker) {
      const { host, port } = await serviceAddress(cluster, namespace, `${name}-${worker}`)
      return httpClient(`http://${host}:${port}`)
    },
  }
}
