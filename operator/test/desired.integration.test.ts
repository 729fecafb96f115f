import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseAllDocuments, stringify } from 'yaml'
import { kubectlFor } from '../../hack/cluster/kubectl.ts'
import type { Kubectl } from '../../hack/cluster/kubectl.ts'
import type { KubeObject } from '../src/api/v1alpha1/kubernetes.ts'
import type { TodoChatbotSpecInput } from '../src/api/v1alpha1/todochatbot.ts'
import { desire } from '../src/desired/index.ts'
import { aTodoChatbot, someFacts } from './support/builders.ts'
import { startTestCluster } from './support/harness.ts'
import type { TestCluster } from './support/harness.ts'

let cluster: TestCluster
let admin: Kubectl
let namespace: string

beforeAll(async () => {
  cluster = await startTestCluster()
  admin = await kubectlFor(cluster.plane.kubeconfigPath, cluster.plane.stateDir)
  namespace = await cluster.namespace()
  // The API server then warns about every pod template below the standard "restricted", and a warning is an error here.
  await admin.kubectl(['label', 'namespace', namespace, 'pod-security.kubernetes.io/warn=restricted'])
})

afterAll(async () => cluster.stop())

const sample = async (name: string): Promise<TodoChatbotSpecInput> => {
  const text = await readFile(join(import.meta.dirname, `../../config/samples/${name}.yaml`), 'utf8')
  const objects = parseAllDocuments(text).map((document) => document.toJS() as KubeObject)
  return objects.find(({ kind }) => kind === 'TodoChatbot')?.['spec'] as TodoChatbotSpecInput
}

/** Everything `desired` holds that `live` does not: paths with both values. */
const missing = (desired: unknown, live: unknown, path: string): string[] => {
  if (Array.isArray(desired)) {
    const list = Array.isArray(live) ? live : []
    return desired.length === list.length
      ? desired.flatMap((item, index) => missing(item, list[index], `${path}[${index}]`))
      : [`${path}: ${desired.length} items, ${list.length} live`]
  }
  if (typeof desired === 'object' && desired !== null) {
    const fields = (typeof live === 'object' ? live : undefined) as Record<string, unknown> | undefined
    if (fields === undefined) return [`${path}: absent`]
    return Object.entries(desired).flatMap(([key, value]) => missing(value, fields[key], `${path}.${key}`))
  }
  return desired === live ? [] : [`${path}: ${JSON.stringify(desired)}, live ${JSON.stringify(live)}`]
}

describe('the API server takes every desired object as it is', () => {
  const quantities: TodoChatbotSpecInput = {
    services: {
      audit: { resources: { requests: { cpu: '0.25', memory: '1024Ki' }, limits: { cpu: '2000m', memory: '0.5Gi' } } },
    },
    database: { storage: { size: '2048Mi' } },
  }

  test.each<[string, () => Promise<TodoChatbotSpecInput>]>([
    ['a resource without a spec', () => Promise.resolve({})],
    ['quantities in other notations', () => Promise.resolve(quantities)],
    ['the development sample', () => sample('development')],
    ['the staging sample', () => sample('staging')],
    ['the production sample', () => sample('production')],
  ])('%s: no unknown field, no warning, and nothing that would look like drift afterwards', async (_what, spec) => {
    const bot = aTodoChatbot(await spec(), { namespace })
    const objects = desire(bot, someFacts({ secretHashes: { 'todo-database': '1' } })).map(({ object }) => object)
    const answer = await admin.kubectl(
      [
        'apply',
        '--server-side',
        '--dry-run=server',
        '--validate=strict',
        '--warnings-as-errors',
        '-o',
        'json',
        '-f',
        '-',
      ],
      { input: objects.map((object) => stringify(object, { aliasDuplicateObjects: false })).join('---\n') },
    )
    const { items } = JSON.parse(answer) as { items: KubeObject[] }
    const drift = objects.flatMap((object) => {
      const id = `${object.kind}/${object.metadata.name}`
      const live = items.find(({ kind, metadata }) => `${kind}/${metadata.name}` === id)
      // The API server turns stringData into data; Secrets are created once and never compared.
      return missing({ ...object, stringData: undefined }, { ...live, stringData: undefined }, id)
    })
    expect(items).toHaveLength(objects.length)
    expect(drift).toEqual([])
  })
})

test('a field that the API server does not know is refused in every kind, although our applies do not ask it to validate fields', async () => {
  const bot = aTodoChatbot(await sample('production'), { namespace })
  const ofEachKind = new Map(desire(bot, someFacts()).map(({ object }) => [object.kind, object]))
  const accepted: string[] = []
  const apply = async (object: KubeObject): Promise<unknown> =>
    cluster.client.apply(object, { fieldManager: 'todochatbot-operator' }).then(
      () => accepted.push(object.kind),
      (error: unknown) => error,
    )
  for (const [kind, object] of ofEachKind) {
    const spec = object['spec'] as object | undefined
    const unknown = spec === undefined ? { nonsense: '1' } : { spec: { ...spec, nonsense: '1' } }
    expect(String(await apply({ ...object, ...unknown })), kind).toContain('nonsense')
  }
  expect(accepted).toEqual([])
  expect(ofEachKind.size).toBeGreaterThan(10)
})

test('kubectl rollout restart on a worker survives the next apply of the operator', async () => {
  const resource = {
    apiVersion: 'todochatbot.dev/v1alpha1',
    kind: 'TodoChatbot',
    metadata: { name: 'todo', namespace },
  }
  await admin.kubectl(['apply', '-f', '-'], { input: stringify(resource) })
  const uid = await admin.kubectl(['get', 'tcb', 'todo', '-n', namespace, '-o', 'jsonpath={.metadata.uid}'])
  const bot = aTodoChatbot({ services: { audit: { replicas: 0 } } }, { namespace, uid })
  const audit = desire(bot, someFacts()).find(
    ({ object }) => object.kind === 'Deployment' && object.metadata.name === 'todo-audit',
  )?.object
  const apply = ['apply', '--server-side', '--force-conflicts', '--field-manager=todochatbot-operator', '-f', '-']
  const annotation = async (): Promise<string> =>
    admin.kubectl([
      ...['get', 'deployment', 'todo-audit', '-n', namespace, '-o'],
      'jsonpath={.spec.template.metadata.annotations.kubectl\\.kubernetes\\.io/restartedAt}',
    ])
  await admin.kubectl(apply, { input: stringify(audit) })
  await admin.kubectl(['rollout', 'restart', 'deployment/todo-audit', '-n', namespace])
  const restartedAt = await annotation()
  expect(restartedAt).not.toBe('')
  await admin.kubectl(apply, { input: stringify(audit) })
  expect(await annotation()).toBe(restartedAt)
})
