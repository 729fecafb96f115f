import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { commandLineTools } from '../../hack/cluster/command-line-tools.ts'
import type { CommandLineTools } from '../../hack/cluster/command-line-tools.ts'
import { CommandError, run } from '../../hack/cluster/command.ts'
import type { KubeObject } from '../src/api/v1alpha1/kubernetes.ts'
import { definitions } from '../src/api/v1alpha1/definitions.ts'
import { loadConfig } from '../src/config.ts'
import { apiServiceName } from '../src/reconcile/external-metrics/registration.ts'

const repository = join(import.meta.dirname, '../..')
const chart = join(repository, 'charts/todochatbot-operator')

let tools: CommandLineTools

beforeAll(async () => {
  tools = await commandLineTools()
})

const objects = (text: string): KubeObject[] =>
  parseAllDocuments(text)
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object !== null)

const helm = async (...args: string[]): Promise<KubeObject[]> =>
  objects(
    await run(tools.helm, ['template', 'todochatbot-operator', chart, '--namespace', 'todochatbot-system', ...args]),
  )

const kustomize = async (): Promise<KubeObject[]> =>
  objects(await run(tools.kubectl, ['kustomize', join(repository, 'config/default')]))

const idOf = ({ kind, metadata }: KubeObject): string => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`

/** What both ways of installing must agree on: everything but the labels and the namespace object, which helm makes itself. */
const substance = (list: readonly KubeObject[]): Record<string, unknown> =>
  Object.fromEntries(
    list
      .filter(({ kind }) => kind !== 'Namespace')
      .map((object) => [
        idOf(object),
        JSON.parse(
          JSON.stringify(object, (key, value: unknown) =>
            key === 'labels' || key === 'matchLabels' ? undefined : value,
          ),
        ) as unknown,
      ]),
  )

describe('the chart', () => {
  test('passes helm lint, warnings included', async () => {
    expect(await run(tools.helm, ['lint', '--strict', chart])).toContain('1 chart(s) linted, 0 chart(s) failed')
  })

  test('and kustomize install the same', async () => {
    expect(substance(await helm('--include-crds'))).toEqual(substance(await kustomize()))
  })

  test.each(definitions.map(({ plural }) => plural))('carries the same definition of %s as crds/', async (plural) => {
    const file = `todochatbot.dev_${plural}.yaml`
    expect(await readFile(join(chart, 'crds', file), 'utf8')).toBe(
      await readFile(join(repository, 'crds', file), 'utf8'),
    )
  })

  test('asks for nothing outside the watched namespaces when there are some', async () => {
    const list = await helm('--set', 'watchNamespaces={team-a,team-b}')
    expect(list.filter(({ kind }) => kind.startsWith('ClusterRole'))).toEqual([])
    expect(list.filter(({ kind }) => kind === 'Role').map(({ metadata }) => metadata.namespace)).toEqual([
      'todochatbot-system',
      'team-a',
      'team-b',
    ])
  })

  test('claims the external metrics API of the cluster only when told to', async () => {
    const name = 'todochatbot-operator'
    const registrations = (list: KubeObject[]) => list.filter(({ kind }) => kind === 'APIService')
    expect(registrations(await helm())).toEqual([])
    const list = await helm('--set', 'externalMetrics.enabled=true')
    expect(registrations(list).map(({ metadata }) => metadata.name)).toEqual([apiServiceName])
    const service = list.find(
      ({ kind, metadata }) => kind === 'Service' && metadata.name === `${name}-external-metrics`,
    )
    expect(service?.['spec']).not.toHaveProperty('selector')
    expect(
      list.filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole').flatMap(({ rules }) => rules),
    ).toContainEqual({
      apiGroups: ['apiregistration.k8s.io'],
      resources: ['apiservices'],
      resourceNames: [apiServiceName],
      verbs: ['get', 'patch'],
    })
  })

  test('keeps one of two operators running during a drain', async () => {
    const budgets = (list: KubeObject[]) => list.filter(({ kind }) => kind === 'PodDisruptionBudget')
    expect(budgets(await helm())).toEqual([])
    expect(budgets(await helm('--set', 'replicas=2'))).toHaveLength(1)
  })

  test('gives the operator an environment it accepts, and no variable it does not read', async () => {
    const periods = [
      'concurrency=4',
      'periods.resync=1h',
      'periods.topicCheck=10s',
      'periods.sidecarCheck=20s',
      'periods.kafkaWatch=5s',
    ]
    const settings = ['watchNamespaces={a,b}', 'externalMetrics.enabled=true', ...periods]
    const list = await helm(...settings.flatMap((set) => ['--set', set]))
    const deployment = list.find(({ kind }) => kind === 'Deployment') as unknown as {
      spec: { template: { spec: { containers: [{ env: { name: string; value?: string }[] }] } } }
    }
    const { env } = deployment.spec.template.spec.containers[0]
    const read = new Set<PropertyKey>()
    const environment = new Proxy(
      {
        KUBERNETES_SERVICE_HOST: '10.0.0.1',
        ...Object.fromEntries(env.map(({ name, value }) => [name, value ?? 'downward'])),
      },
      { get: (target, name) => (read.add(name), Reflect.get(target, name)) },
    )
    expect(loadConfig(environment)).toMatchObject({
      watchNamespaces: ['a', 'b'],
      concurrency: 4,
      resyncPeriod: 3_600_000,
      topicCheckPeriod: 10_000,
      sidecarCheckPeriod: 20_000,
      kafkaWatchPeriod: 5_000,
      externalMetrics: { service: 'todochatbot-operator-external-metrics', port: 6443, address: 'downward' },
      images: { workers: 'docker.io/todochatbot/workers:0.1.0' },
    })
    expect(env.map(({ name }) => name).filter((name) => !read.has(name))).toEqual([])
  })

  test.each([
    ['a value it does not know', 'replica=2', /replica/],
    ['too many replicas', 'replicas=9', /replicas/],
    ['a log level that does not exist', 'logLevel=loud', /logLevel/],
    ['a namespace in capitals', 'watchNamespaces={Team}', /watchNamespaces/],
    ['a period without a unit', 'periods.topicCheck=30', /topicCheck/],
  ])('refuses %s', async (_what, set, says) => {
    const refused = await helm('--set', set).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(CommandError)
    expect((refused as CommandError).stderr).toMatch(says)
  })
})
