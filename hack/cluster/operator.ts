import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { repairRelease } from './dapr.ts'
import { repository } from './folders.ts'
import type { FullCluster } from './full-cluster.ts'
import { settings } from './settings.ts'
import { DeadlineError, waitFor } from './waiting.ts'

const NAMESPACE = 'todochatbot-system'
const RELEASE = 'todochatbot-operator'
const CHART = join(repository, 'charts', RELEASE)

/** Installs the operator from its chart with the images built here, or upgrades it, and waits for its rollout. */
export async function ensureOperator(cluster: FullCluster): Promise<void> {
  // helm installs the CRDs of a chart once and never upgrades them.
  await cluster.kubectl([
    ...['apply', '--server-side', '--force-conflicts', '--field-manager=todochatbot-dev'],
    ...['-f', join(CHART, 'crds')],
  ])
  await cluster.kubectl(['wait', '--for=condition=Established', '--timeout=30s', '-f', join(CHART, 'crds')])
  const { operator, ...operands } = cluster.images
  const values = [
    ...imageValues(operator),
    ...Object.entries(operands).map(([name, reference]) => `operandImages.${name}=${reference}`),
  ]
  await repairRelease(cluster, RELEASE, NAMESPACE)
  const install = [
    'upgrade',
    '--install',
    RELEASE,
    CHART,
    '--namespace',
    NAMESPACE,
    '--create-namespace',
    '--skip-crds',
  ]
  values.push(`externalMetrics.enabled=${!cluster.keda}`)
  await cluster.helm([...install, '--set', values.join(',')], { timeout: 120_000 })
  const rollout = ['-n', NAMESPACE, 'rollout', 'status', `deployment/${RELEASE}`, '--timeout=120s']
  await cluster.kubectl(rollout, { timeout: 130_000 })
}

function imageValues(reference: string): string[] {
  const colon = reference.lastIndexOf(':')
  return [`image.repository=${reference.slice(0, colon)}`, `image.tag=${reference.slice(colon + 1)}`]
}

/** The sample that `up` applies: TodoChatbot `todo` in namespace `todo-app`. */
export const sample = {
  namespace: 'todo-app',
  name: 'todo',
  file: join(repository, 'config/samples/development.yaml'),
  /** chat-api of the sample on this machine. */
  url: `http://127.0.0.1:${settings.ports.chatApi}`,
} as const

interface SystemObject {
  readonly metadata: { readonly generation: number }
  readonly status?: {
    readonly observedGeneration?: number
    readonly conditions?: readonly {
      readonly type: string
      readonly status: string
      readonly reason?: string
      readonly message?: string
    }[]
  }
}

/**
 * Applies the sample and waits until it is Ready.
 * @param note told why it is not ready yet.
 * @throws DeadlineError with the resource's own words on what blocks it.
 */
export async function ensureSample(
  cluster: FullCluster,
  note: (text: string) => void,
  timeout = 180_000,
): Promise<void> {
  await cluster.apply(await readFile(sample.file, 'utf8'))
  await cluster.apply(await readFile(join(import.meta.dirname, 'manifests/chat-api-local.yaml'), 'utf8'))
  const look = async (): Promise<true | undefined> => {
    const get = ['-n', sample.namespace, 'get', `todochatbot/${sample.name}`, '-o', 'json']
    const system = JSON.parse(await cluster.kubectl(get)) as SystemObject
    const ready = system.status?.conditions?.find((condition) => condition.type === 'Ready')
    if (ready?.status === 'True' && system.status?.observedGeneration === system.metadata.generation) {
      // True since before the operator was upgraded counts only once it has brought its own images everywhere.
      const outdated = await outdatedImages(cluster)
      if (outdated.length === 0) return true
      note(`rolling out: ${outdated.join(', ')}`)
      return undefined
    }
    const why = ready ? `${ready.reason ?? ''}: ${ready.message ?? ''}` : 'no status yet'
    note(why)
    throw new Error(why)
  }
  try {
    await waitFor(`TodoChatbot ${sample.namespace}/${sample.name} Ready`, look, { timeout, interval: 500 })
  } catch (error) {
    if (!(error instanceof DeadlineError)) throw error
    const pods = await cluster.kubectl(['-n', sample.namespace, 'get', 'pods'])
    throw new Error(`${error.message}\n${pods}`, { cause: error })
  }
}

/** Images of the product that pods of the sample still run and that are not the ones built now. */
async function outdatedImages(cluster: FullCluster): Promise<string[]> {
  const get = ['-n', sample.namespace, 'get', 'pods', '-l', `app.kubernetes.io/instance=${sample.name}`]
  const running = '{.items[?(@.status.phase=="Running")].spec.containers[*].image}'
  const images = (await cluster.kubectl([...get, '-o', `jsonpath=${running}`])).split(' ')
  const current: readonly string[] = Object.values(cluster.images)
  return images.filter((image) => image.startsWith('docker.io/todochatbot/') && !current.includes(image))
}
