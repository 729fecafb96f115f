import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { connect } from 'node:tls'
import pino from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startControlPlane, type IsolatedControlPlane } from '../../hack/cluster/index.ts'
import type { KubeClient } from '../src/kube/client.ts'
import { kubeconfigCredentials } from '../src/kube/credentials.ts'
import { createKubeClient } from '../src/kube/http-client.ts'
import { KubeError } from '../src/kube/kube-error.ts'
import { kinds } from '../src/kube/kinds.ts'
import type { KubeObject } from '../src/kube/object.ts'
import { createTransport, type Transport } from '../src/kube/transport.ts'
import { externalMetrics } from '../src/reconcile/external-metrics/index.ts'
import { apiServiceName } from '../src/reconcile/external-metrics/registration.ts'
import { until } from './support/harness.ts'

const namespace = 'operators'
const service = { namespace, name: 'operator-external-metrics' }
const path = '/apis/external.metrics.k8s.io/v1beta1/namespaces/todo-app/todochatbot-consumer-lag'
/** EndpointSlices refuse loopback addresses. */
const address = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address

let plane: IsolatedControlPlane
let transport: Transport
let client: KubeClient
const stop = new AbortController()
let running: Promise<void>

/** As the chart makes them. */
const installed = (name: string): KubeObject[] => [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { type: 'ClusterIP', ports: [{ name: 'https', port: 443, targetPort: 6443, protocol: 'TCP' }] },
  },
  {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: apiServiceName },
    spec: {
      group: 'external.metrics.k8s.io',
      version: 'v1beta1',
      groupPriorityMinimum: 100,
      versionPriority: 100,
      service: { namespace, name, port: 443 },
    },
  },
]

const serveLag = (signal: AbortSignal): Promise<void> =>
  externalMetrics({
    client,
    logger: pino({ level: process.env['TEST_LOG_LEVEL'] ?? 'silent' }),
    service,
    port: 0,
    address: address ?? '',
    podName: 'operator-0',
    lagValues: (of) =>
      of === 'todo-app' ? [{ labels: { system: 'todo', worker: 'audit' }, value: 42, at: Date.now() }] : [],
    now: Date.now,
  }).run(signal)

beforeAll(async () => {
  expect(address, 'an address of this machine that is not loopback').toBeDefined()
  // Nothing routes Service addresses here, so kube-apiserver asks the endpoint itself.
  plane = await startControlPlane({ extraArgs: ['--enable-aggregator-routing=true'] })
  transport = createTransport({ credentials: kubeconfigCredentials(plane.kubeconfigPath), userAgent: 'test' })
  client = createKubeClient(transport)
  for (const object of installed(service.name)) await client.apply(object, { fieldManager: 'chart' })
  running = serveLag(stop.signal)
})
afterAll(async () => {
  stop.abort(new Error('done'))
  await running
  await transport.close()
  await plane.stop()
})

const get = (target: string, query: Record<string, string> = {}): Promise<{ status: number; body: unknown }> =>
  transport.request({ method: 'GET', path: target, query }).catch((error: unknown) => {
    if (error instanceof KubeError) return { status: error.status, body: error.message }
    throw error
  })
const place = async (): Promise<{ host: string; port: number }> => {
  const slice = (await client.get(kinds.EndpointSlice, service)) as unknown as {
    endpoints: [{ addresses: [string] }]
    ports: [{ port: number }]
  }
  return { host: slice.endpoints[0].addresses[0], port: slice.ports[0].port }
}

test('kube-apiserver finds it available, and answers with what it says', async () => {
  await until(
    'the API is available',
    async () => {
      const found = (await client.get(kinds.APIService, { name: apiServiceName })) as unknown as {
        status?: { conditions?: { type: string; status: string }[] }
      }
      return found.status?.conditions?.some(({ type, status }) => type === 'Available' && status === 'True')
    },
    60_000,
  )
  const answered = await until('the value comes through', async () => {
    const answer = await get(path, { labelSelector: 'worker=audit' })
    return answer.status === 200 && answer
  })
  expect(answered.body).toMatchObject({
    kind: 'ExternalMetricValueList',
    items: [{ metricName: 'todochatbot-consumer-lag', value: '42' }],
  })
  expect((await get(path.replace('todochatbot-consumer-lag', 'unknown'))).status).toBe(404)
})

test('nobody but the front proxy is answered, whoever it says it is', async () => {
  const { host, port } = await place()
  const socket = connect({ host, port, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  socket.end(
    `GET ${path} HTTP/1.1\r\nHost: x\r\nX-Remote-User: admin\r\nX-Remote-Group: system:masters\r\nConnection: close\r\n\r\n`,
  )
  let text = ''
  for await (const chunk of socket.setEncoding('utf8')) text += String(chunk)
  expect(text).toMatch(/^HTTP\/1\.1 401 /)
  expect(text).not.toContain('42')
})

test('the next leader takes over with a certificate of its own', async () => {
  const before = await place()
  const next = new AbortController()
  const second = serveLag(next.signal)
  try {
    await until('the address moved', async () => (await place()).port !== before.port)
    await until('the new leader is asked', async () => (await get(path)).status === 200, 60_000)
  } finally {
    next.abort(new Error('done'))
    await second
  }
})

test('an API that belongs to somebody else is left alone', async () => {
  const [, , foreign] = installed('keda-metrics-apiserver')
  if (foreign !== undefined) await client.apply(foreign, { fieldManager: 'keda' })
  const read = async () => (await client.get(kinds.APIService, { name: apiServiceName }))['spec']
  const before = await read()
  const soon = new AbortController()
  const third = serveLag(soon.signal)
  await new Promise((resolve) => setTimeout(resolve, 500))
  soon.abort(new Error('done'))
  await third
  expect(await read()).toEqual(before)
})
