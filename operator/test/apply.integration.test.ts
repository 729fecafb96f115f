import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { startControlPlane } from '../../hack/cluster/index.ts'
import type { IsolatedControlPlane } from '../../hack/cluster/index.ts'
import { createApplier } from '../src/apply/kube.ts'
import type { Applier, ApplyItem, ApplyResult, Owner } from '../src/apply/kube.ts'
import { kubeconfigCredentials } from '../src/kube/credentials.ts'
import { createKubeClient } from '../src/kube/http-client.ts'
import type { KubeClient } from '../src/kube/client.ts'
import { kinds } from '../src/kube/kinds.ts'
import type { ResourceKind } from '../src/kube/kinds.ts'
import { managedFieldsOf } from '../src/kube/object.ts'
import type { KubeObject } from '../src/kube/object.ts'
import { createTransport } from '../src/kube/transport.ts'
import type { Transport } from '../src/kube/transport.ts'
import { createInformer } from '../src/runtime/informer.ts'
import type { Informer } from '../src/runtime/informer.ts'
import { createMetrics } from '../src/runtime/metrics.ts'
import { eventually } from './support/eventually.ts'

const manager = 'todochatbot-operator'
const namespace = 'apply-test'
const labels = { 'app.kubernetes.io/managed-by': manager, 'app.kubernetes.io/instance': 'todo' }

let plane: IsolatedControlPlane
let transport: Transport
let client: KubeClient
let stop: AbortController
let caches: Map<string, Informer>
let applier: Applier
let owner: Owner
let writes: string[]
let owners = 0

beforeAll(async () => {
  plane = await startControlPlane()
  transport = createTransport({
    credentials: kubeconfigCredentials(plane.kubeconfigPath),
    userAgent: `${manager}/test`,
    onResponse: ({ method }) => writes.push(method),
  })
  client = createKubeClient(transport)
  writes = []
  await client.create(
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    { fieldManager: 'kubectl-create' },
  )
})

afterAll(async () => {
  await transport.close()
  await plane.stop()
})

/** Any object with a uid can own; a ConfigMap needs no CRD. */
const createOwner = async (): Promise<Owner> => {
  owners += 1
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name: `owner-${owners}` } }
  return (await client.create(object, { fieldManager: 'kubectl-create' })) as Owner
}

beforeEach(async () => {
  stop = new AbortController()
  owner = await createOwner()
  const watched: ResourceKind[] = [kinds.ConfigMap, kinds.Deployment, kinds.Service, kinds.StatefulSet, kinds.Job]
  caches = new Map()
  const dependencies = { transport, client, metrics: createMetrics(), logger: pino({ level: 'silent' }) }
  for (const kind of watched) {
    const labelSelector = `app.kubernetes.io/managed-by=${manager}`
    const informer = createInformer({ kind, namespaces: [namespace], labelSelector, pack: true }, dependencies)
    caches.set(kind.kind, informer)
    void informer.run(stop.signal)
    await informer.whenSynced(stop.signal)
  }
  applier = createApplier({
    client,
    cacheOf: ({ kind }) => caches.get(kind),
    fieldManager: manager,
    hashAnnotation: 'todochatbot.dev/hash',
    now: () => performance.now(),
    fights: { limit: 2, pauseMs: { min: 60_000, max: 60_000 } },
  })
})

afterEach(() => {
  stop.abort(new Error('end of test'))
})

const apply = (...items: ApplyItem[]): Promise<readonly ApplyResult[]> =>
  applier.applyObjects({ owner, items, signal: stop.signal })
const actionsOf = (results: readonly ApplyResult[]): string[] =>
  results.map((result) => (result.action === 'failed' ? result.error.code : result.action))
const requestsDuring = async (work: () => Promise<unknown>): Promise<string[]> => {
  writes = []
  await work()
  return [...writes]
}

const deployment = (name: string, image = 'docker.io/todochatbot/workers:1'): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace, name, labels },
  spec: {
    replicas: 0,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        automountServiceAccountToken: false,
        hostNetwork: false,
        securityContext: { runAsNonRoot: true, runAsUser: 65532, fsGroup: 65532 },
        containers: [
          {
            name: 'worker',
            image,
            command: [],
            env: [
              { name: 'B', value: '' },
              { name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
            ],
            ports: [{ name: 'http', containerPort: 8000 }],
            resources: { requests: { cpu: '1000m', memory: '0.5Gi' }, limits: { memory: '1024Mi' } },
            readinessProbe: { httpGet: { path: '/readyz', port: 8000 }, periodSeconds: 5 },
            volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
          },
        ],
        volumes: [
          { name: 'tmp', emptyDir: {} },
          { name: 'config', configMap: { name: 'settings' } },
        ],
      },
    },
  },
})

const service = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace, name, labels },
  spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
})

const statefulSet = (name: string): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { namespace, name, labels },
  spec: {
    serviceName: name,
    replicas: 1,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'redis', image: 'docker.io/todochatbot/redis:1' }] },
    },
    volumeClaimTemplates: [
      {
        metadata: { name: 'data' },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1024Mi' } } },
      },
    ],
  },
})

const configMap = (name: string, data: Record<string, string> = { level: 'info' }): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace, name, labels },
  data,
})

test('everything is created once; applying again costs no request, before and after the watch has caught up', async () => {
  const items = [deployment('a'), service('a'), statefulSet('a'), configMap('a')].map((object) => ({ object }))
  const created = await apply(...items)
  expect(actionsOf(created)).toEqual(['created', 'created', 'created', 'created'])
  expect(created.flatMap((result) => ('notHeld' in result ? result.notHeld : ['?']))).toEqual([])
  expect(await requestsDuring(() => apply(...items))).toEqual([])
  for (const result of created) {
    if (result.action === 'failed') continue
    const { kind, metadata } = result.live
    await eventually(async () => {
      const live = await client.get(kinds[kind as keyof typeof kinds], metadata)
      expect(caches.get(kind)?.get(metadata)?.metadata.resourceVersion).toBe(live.metadata.resourceVersion)
    })
  }
  expect(await requestsDuring(() => apply(...items))).toEqual([])
})

test('a new operator with cold caches finds everything as desired and writes nothing', async () => {
  const items = [deployment('b'), service('b'), statefulSet('b'), configMap('b')].map((object) => ({ object }))
  await apply(...items)
  const informers = [...caches.values()]
  stop.abort(new Error('restart'))
  stop = new AbortController()
  const dependencies = { transport, client, metrics: createMetrics(), logger: pino({ level: 'silent' }) }
  for (const { kind } of informers) {
    const informer = createInformer({ kind, namespaces: [namespace], pack: true }, dependencies)
    caches.set(kind.kind, informer)
    void informer.run(stop.signal)
    await informer.whenSynced(stop.signal)
  }
  expect(await requestsDuring(() => apply(...items))).toEqual([])
})

test('drift is corrected, and what others added survives', async () => {
  await apply({ object: deployment('c') })
  await client.patch(
    kinds.Deployment,
    { namespace, name: 'c' },
    {
      metadata: { labels: { team: 'blue' }, annotations: { note: 'mine' } },
      spec: { replicas: 7, revisionHistoryLimit: 3, paused: true },
    },
    { fieldManager: 'kubectl-edit' },
  )
  await eventually(() => {
    expect(caches.get('Deployment')?.get({ namespace, name: 'c' })?.metadata.labels?.['team']).toBe('blue')
  })
  const [result] = await apply({ object: deployment('c') })
  expect(result?.action).toBe('configured')
  const live = await client.get(kinds.Deployment, { namespace, name: 'c' })
  expect(live.metadata).toMatchObject({ labels: { team: 'blue' }, annotations: { note: 'mine' } })
  expect(live['spec']).toMatchObject({ replicas: 0, revisionHistoryLimit: 3, paused: true })
  expect(await requestsDuring(() => apply({ object: deployment('c') }))).toEqual([])
})

test('a field that is no longer desired is removed', async () => {
  await apply({ object: configMap('d', { level: 'info', extra: 'x' }) })
  await apply({ object: configMap('d', { level: 'info' }) })
  expect((await client.get(kinds.ConfigMap, { namespace, name: 'd' }))['data']).toEqual({ level: 'info' })
})

test('a change is one write, and the write is a patch', async () => {
  await apply({ object: deployment('e') }, { object: service('e') })
  const changed = () => apply({ object: deployment('e', 'docker.io/todochatbot/workers:2') }, { object: service('e') })
  expect(await requestsDuring(changed)).toEqual(['PATCH'])
})

test('an object of somebody else is neither changed nor owned, and the error names who has it', async () => {
  const theirs = await client.create(
    { ...configMap('f', { theirs: 'yes' }), metadata: { namespace, name: 'f' } },
    { fieldManager: 'helm' },
  )
  const [result] = await apply({ object: configMap('f') })
  expect(result).toMatchObject({ action: 'failed', error: { code: 'TDC_APPLY_OWNED_BY_OTHER', others: ['helm'] } })
  const live = await client.get(kinds.ConfigMap, { namespace, name: 'f' })
  expect(live.metadata.resourceVersion).toBe(theirs.metadata.resourceVersion)
})

test('an object that somebody creates after the look for strangers keeps its values, and the next look finds whose it is', async () => {
  await apply({ object: configMap('looked') })
  await client.create(
    { ...configMap('late', { level: 'theirs' }), metadata: { namespace, name: 'late' } },
    { fieldManager: 'helm' },
  )
  const [first] = await apply({ object: configMap('late') })
  expect(first?.action).toBe('failed')
  await eventually(async () => {
    expect(actionsOf(await apply({ object: configMap('late') }))).toEqual(['TDC_APPLY_OWNED_BY_OTHER'])
  })
  const live = await client.get(kinds.ConfigMap, { namespace, name: 'late' })
  expect(live).toMatchObject({ data: { level: 'theirs' } })
  expect(managedFieldsOf(live).map((entry) => entry.manager)).toEqual(['helm'])
})

test('two systems that want the same object: the second is told whose it is', async () => {
  await apply({ object: configMap('g') })
  const first = owner.metadata.name
  owner = await createOwner()
  const [result] = await apply({ object: configMap('g') })
  expect(result).toMatchObject({
    error: { code: 'TDC_APPLY_OWNED_BY_OTHER', others: [`ConfigMap ${first}`] },
  })
})

test('an object of ours whose labels somebody removed is recognised and labelled again', async () => {
  await apply({ object: configMap('h') })
  await client.patch(
    kinds.ConfigMap,
    { namespace, name: 'h' },
    { metadata: { labels: { 'app.kubernetes.io/managed-by': null } } },
    { fieldManager: 'kubectl-label' },
  )
  await eventually(() => {
    expect(caches.get('ConfigMap')?.get({ namespace, name: 'h' })).toBeUndefined()
  })
  const [result] = await apply({ object: configMap('h') })
  expect(result?.action).toBe('configured')
  expect((await client.get(kinds.ConfigMap, { namespace, name: 'h' })).metadata.labels).toEqual(labels)
})

test('a Secret is created once and its content never written again, also when it is not ours', async () => {
  const secrets = new Map<string, KubeObject>()
  const cacheOf = ({ kind }: ResourceKind) =>
    kind !== 'Secret'
      ? caches.get(kind)
      : {
          kind: kinds.Secret,
          get: ({ name }: { name: string }) => secrets.get(name),
          ownedBy: () => [],
          whole: (object: KubeObject) => object,
          observe: (written: KubeObject) => void secrets.set(written.metadata.name, written),
          observeDeleted: () => undefined,
        }
  const withSecrets = createApplier({
    client,
    cacheOf,
    fieldManager: manager,
    hashAnnotation: 'todochatbot.dev/hash',
    now: () => performance.now(),
  })
  const secret = (password: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name: 'database', labels },
    data: { password: Buffer.from(password).toString('base64') },
  })
  const given: KubeObject = { ...secret('chosen by the admin'), metadata: { namespace, name: 'database' } }
  await client.create(given, { fieldManager: 'kubectl-create' })
  const run = (password: string) =>
    withSecrets.applyObjects({
      owner,
      items: [{ object: secret(password), policy: 'CreateOnce' }],
      signal: stop.signal,
    })
  expect(actionsOf(await run('generated'))).toEqual(['kept'])
  expect(await requestsDuring(() => run('generated again'))).toEqual([])
  expect((await client.get(kinds.Secret, { namespace, name: 'database' }))['data']).toEqual(given['data'])
})

test('a manager that undoes our field again and again is named, and writing stops', async () => {
  await apply({ object: configMap('i') })
  const fight = async (): Promise<readonly ApplyResult[]> => {
    const patched = await client.patch(
      kinds.ConfigMap,
      { namespace, name: 'i' },
      { data: { level: 'debug' } },
      { fieldManager: 'other-operator' },
    )
    await eventually(() => {
      const seen = caches.get('ConfigMap')?.get({ namespace, name: 'i' })?.metadata.resourceVersion
      expect(seen).toBe(patched.metadata.resourceVersion)
    })
    return apply({ object: configMap('i') })
  }
  expect(actionsOf(await fight())).toEqual(['configured'])
  expect(actionsOf(await fight())).toEqual(['configured'])
  const [result] = await fight()
  expect(result).toMatchObject({ error: { code: 'TDC_APPLY_CONTESTED', others: ['other-operator'] } })
  expect(await requestsDuring(() => apply({ object: configMap('i') }))).toEqual([])
})

test('a wrong object is refused with its field while the others of the call are applied', async () => {
  const wrong: KubeObject = { ...service('j'), spec: { ports: [{ port: 99_999 }] } }
  const results = await apply({ object: wrong }, { object: configMap('j') })
  expect(actionsOf(results)).toEqual(['TDC_APPLY_INVALID', 'created'])
  const [failed] = results
  expect(failed?.action === 'failed' && failed.error.message).toContain('spec.ports[0].port')
})

test('a namespace that does not exist and a kind that is not installed are told apart', async () => {
  const component = {
    apiVersion: 'dapr.io/v1alpha1',
    kind: 'Component',
    metadata: { namespace, name: 'pubsub', labels },
    spec: {},
  }
  const elsewhere = { ...configMap('k'), metadata: { namespace: 'nowhere', name: 'k', labels } }
  const empty = caches.get('ConfigMap')
  if (empty !== undefined) caches.set('Component', empty)
  const results = await apply({ object: component }, { object: elsewhere })
  expect(actionsOf(results)).toEqual(['TDC_APPLY_KIND_MISSING', 'TDC_APPLY_NAMESPACE_GONE'])
})

test('pruning deletes what the owner has and nobody wants, and nothing else', async () => {
  await apply({ object: configMap('wanted') }, { object: configMap('unwanted') }, { object: service('held') })
  const mine = owner
  owner = await createOwner()
  await apply({ object: configMap('of-another') })
  const result = await applier.pruneObjects({
    owner: mine,
    kinds: [kinds.ConfigMap, kinds.Service],
    keep: ({ metadata }) => metadata.name !== 'unwanted',
    signal: stop.signal,
  })
  expect(result.deleted.map(({ metadata }) => metadata.name)).toEqual(['unwanted'])
  expect(caches.get('ConfigMap')?.get({ namespace, name: 'unwanted' })).toBeUndefined()
  const left = await client.list(kinds.ConfigMap, { namespace, labelSelector: 'app.kubernetes.io/instance=todo' })
  expect(left.items.map(({ metadata }) => metadata.name)).toEqual(expect.arrayContaining(['of-another', 'wanted']))
  expect(left.items.map(({ metadata }) => metadata.name)).not.toContain('unwanted')
})

test('all fields are owned by one manager with Apply, so that they can be given up', async () => {
  await apply({ object: configMap('l') })
  const live = await client.get(kinds.ConfigMap, { namespace, name: 'l' })
  expect(managedFieldsOf(live).map(({ manager: name, operation }) => [name, operation])).toEqual([[manager, 'Apply']])
})
