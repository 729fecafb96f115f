import { expect, test } from 'vitest'
import type { KubeObject, ManagedFieldsEntry } from '../kube/object.ts'
import { otherManagers } from './field-managers.ts'

const live = (...managedFields: ManagedFieldsEntry[]): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'x', managedFields },
})
const imageOwner = (manager: string, time = '2026-01-01T00:00:00Z'): ManagedFieldsEntry => ({
  manager,
  operation: 'Update',
  time,
  fieldsV1: {
    'f:spec': { 'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"worker"}': { '.': {}, 'f:image': {} } } } } },
  },
})
const replicasOwner: ManagedFieldsEntry = { manager: 'hpa', fieldsV1: { 'f:spec': { 'f:replicas': {} } } }
const image = 'spec.template.spec.containers[name="worker"].image'

test('the manager that owns the field is named, not the others', () => {
  expect(otherManagers(live(replicasOwner, imageOwner('kubectl-edit')), 'us', [image])).toEqual(['kubectl-edit'])
})

test('we and whoever only writes the status are not named', () => {
  const status = { ...imageOwner('kube-controller-manager'), subresource: 'status' }
  expect(otherManagers(live(imageOwner('us'), status), 'us', [image])).toEqual([])
})

test('when nobody owns the field any more, the latest writers are named', () => {
  const older = { ...replicasOwner, time: '2026-01-01T00:00:00Z' }
  const newer = { ...replicasOwner, manager: 'argocd', time: '2026-02-01T00:00:00Z' }
  expect(otherManagers(live(older, newer), 'us', ['data.level'])).toEqual(['argocd', 'hpa'])
})
