import { expect, test } from 'vitest'
import type { KubeObject } from '../../api/v1alpha1/kubernetes.ts'
import { policiesThatAllow } from './foreign-policies.ts'

const labels = { app: 'audit', tier: 'back' }
const policy = (name: string, spec: object, owner?: string): KubeObject => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: {
    name,
    ...(owner === undefined ? {} : { ownerReferences: [{ apiVersion: '', kind: '', name: '', uid: owner }] }),
  },
  spec,
})
const expression = (key: string, operator: string, values: string[] = []): object => ({
  podSelector: { matchExpressions: [{ key, operator, values }] },
  ingress: [{}],
})

test.each([
  ['every pod', { podSelector: {}, ingress: [{}] }, true],
  ['its label', { podSelector: { matchLabels: { app: 'audit' } }, egress: [{ ports: [{ port: 53 }] }] }, true],
  ['another label', { podSelector: { matchLabels: { app: 'chat-api' } }, ingress: [{}] }, false],
  ['every pod, and forbids everything', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] }, false],
  ['values it has', expression('app', 'In', ['audit', 'x']), true],
  ['values it does not have', expression('app', 'In', ['x']), false],
  ['pods without these values', expression('app', 'NotIn', ['x']), true],
  ['pods without its value', expression('app', 'NotIn', ['audit']), false],
  ['pods with a label it has', expression('tier', 'Exists'), true],
  ['pods without a label it has', expression('tier', 'DoesNotExist'), false],
])('a foreign policy that selects %s is reported: %s', (_what, spec, reported) =>
  expect(policiesThatAllow([policy('theirs', spec)], labels, 'us')).toEqual(reported ? ['theirs'] : []),
)

test('policies of the system itself are not', () =>
  expect(policiesThatAllow([policy('ours', { podSelector: {}, ingress: [{}] }, 'us')], labels, 'us')).toEqual([]))
