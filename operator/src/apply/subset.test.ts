import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../kube/object.ts'
import { differences } from './subset.ts'

const deployment = (podSpec: object, spec: object = {}): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace: 'todo-app', name: 'todo-chat-api' },
  spec: { ...spec, template: { spec: podSpec } },
})
const component = (spec: object): KubeObject => ({
  apiVersion: 'dapr.io/v1alpha1',
  kind: 'Component',
  metadata: { namespace: 'todo-app', name: 'todo-task-pubsub' },
  spec,
})
const container = (fields: object = {}): object => ({ name: 'worker', image: 'workers:1', ...fields })

describe('the live object holds what is desired when', () => {
  test.each<[string, KubeObject, KubeObject]>([
    [
      'defaults were added',
      deployment({ containers: [container()] }),
      deployment({ containers: [container({ terminationMessagePath: '/dev/log' })], dnsPolicy: 'ClusterFirst' }),
    ],
    [
      'quantities are spelled differently',
      deployment({
        containers: [container({ resources: { requests: { cpu: '1000m' }, limits: { memory: '1024Mi' } } })],
      }),
      deployment({ containers: [container({ resources: { requests: { cpu: '1' }, limits: { memory: '1Gi' } } })] }),
    ],
    [
      'somebody injected a container, a volume and a variable',
      deployment({ containers: [container({ env: [{ name: 'A', value: '1' }] })] }),
      deployment({
        volumes: [{ name: 'injected' }],
        containers: [{ name: 'daprd' }, container({ env: [{ name: 'B' }, { name: 'A', value: '1' }] })],
      }),
    ],
    [
      'a port got its default protocol',
      deployment({ containers: [container({ ports: [{ containerPort: 80 }] })] }),
      deployment({ containers: [container({ ports: [{ containerPort: 80, protocol: 'TCP' }] })] }),
    ],
    [
      'zero values were left out',
      deployment({ hostNetwork: false, containers: [container({ command: [], env: [{ name: 'A', value: '' }] })] }),
      deployment({ containers: [container({ env: [{ name: 'A' }] })] }),
    ],
  ])('%s', (_, desired, live) => {
    expect(differences(desired, live)).toEqual([])
  })
})

describe('a difference is told by its path when', () => {
  test.each<[string, KubeObject, KubeObject, string]>([
    [
      'an image was changed',
      deployment({ containers: [container()] }),
      deployment({ containers: [container({ image: 'workers:2' })] }),
      'spec.template.spec.containers[name="worker"].image',
    ],
    [
      'a container was renamed',
      deployment({ containers: [container()] }),
      deployment({ containers: [container({ name: 'other' })] }),
      'spec.template.spec.containers[name="worker"]',
    ],
    ['replicas were set to zero', deployment({}, { replicas: 2 }), deployment({}, { replicas: 0 }), 'spec.replicas'],
    [
      'replicas were raised from zero',
      deployment({}, { replicas: 0 }),
      deployment({}, { replicas: 2 }),
      'spec.replicas',
    ],
    [
      'an item was added to a list of a custom resource, which is atomic',
      component({ metadata: [{ name: 'brokers', value: 'a' }] }),
      component({ metadata: [{ name: 'brokers', value: 'a' }, { name: 'extra' }] }),
      'spec.metadata',
    ],
    [
      'a value in such a list was changed',
      component({ metadata: [{ name: 'brokers', value: 'a' }] }),
      component({ metadata: [{ name: 'brokers', value: 'b' }] }),
      'spec.metadata[0].value',
    ],
    [
      'a quantity-like string of a custom resource was respelled',
      component({ version: '1000m' }),
      component({ version: '1' }),
      'spec.version',
    ],
    [
      'a key was added to a map that has one owner',
      deployment({ nodeSelector: { zone: 'a' } }),
      deployment({ nodeSelector: { zone: 'a', disk: 'ssd' } }),
      'spec.template.spec.nodeSelector.disk',
    ],
    ['a field was removed', component({ type: 'pubsub.kafka' }), component({}), 'spec.type'],
  ])('%s', (_, desired, live, path) => {
    expect(differences(desired, live)).toEqual([path])
  })
})

/** JSON values whose lists hold scalars, as atomic lists do. */
const json = fc.letrec<{ value: unknown; map: Record<string, unknown> }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.array(fc.string(), { maxLength: 3 }),
    tie('map'),
  ),
  map: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), tie('value'), { maxKeys: 4 }),
})).map

test('every object holds itself, and itself with anything added', () => {
  const add = (left: Record<string, unknown>, right: Record<string, unknown>): Record<string, unknown> =>
    Object.fromEntries(
      [...new Set([...Object.keys(left), ...Object.keys(right)])].map((key) => {
        const [own, other] = [left[key], right[key]]
        const both = isMap(own) && isMap(other)
        return [key, both ? add(own, other) : key in left ? own : other]
      }),
    )
  fc.assert(
    fc.property(json, json, (desired, others) => {
      expect(differences(component(desired), component(add(desired, others)))).toEqual([])
    }),
  )
})

test('a changed scalar is always found, wherever it is', () => {
  const path = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 })
  fc.assert(
    fc.property(json, path, fc.integer({ min: 1 }), (base, keys, value) => {
      const [desired, live] = [value, value + 1].map((leaf) => place(base, [...keys, 'leaf'], leaf))
      expect(differences(component(desired ?? {}), component(live ?? {}))).toEqual([
        ['spec', ...keys, 'leaf'].join('.'),
      ])
    }),
  )
})

const place = (
  base: Record<string, unknown>,
  [key = '', ...rest]: string[],
  leaf: unknown,
): Record<string, unknown> => {
  const below = base[key]
  return { ...base, [key]: rest.length === 0 ? leaf : place(isMap(below) ? below : {}, rest, leaf) }
}
const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
