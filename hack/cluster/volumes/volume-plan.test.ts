import { expect, test } from 'vitest'
import { PROVISIONER, planVolumes } from './volume-plan.ts'
import type { Claim, StorageClass, Volume } from './volume-plan.ts'

const classes: StorageClass[] = [
  { metadata: { name: 'dev-folders' }, provisioner: PROVISIONER, reclaimPolicy: 'Delete' },
  { metadata: { name: 'other' }, provisioner: 'example.org/other' },
]

const claim = (spec: Partial<Claim['spec']> = {}): Claim => ({
  metadata: { name: 'data-todo-kafka-0', namespace: 'todo-app', uid: 'u1' },
  spec: { storageClassName: 'dev-folders', resources: { requests: { storage: '1Gi' } }, ...spec },
})

const volume = (phase: string, policy: string, path = '/state/volumes/x'): Volume => ({
  metadata: { name: 'pvc-u1', annotations: { 'pv.kubernetes.io/provisioned-by': PROVISIONER } },
  spec: { persistentVolumeReclaimPolicy: policy, hostPath: { path }, capacity: { storage: '1Gi' } },
  status: { phase },
})

test('a new claim gets a folder of its own and a volume bound to it', () => {
  const [action] = planVolumes(classes, [claim()], [], '/state/volumes')
  expect(action).toMatchObject({
    type: 'Create',
    folder: '/state/volumes/todo-app_data-todo-kafka-0_u1',
    volume: {
      metadata: { name: 'pvc-u1' },
      spec: { claimRef: { namespace: 'todo-app', name: 'data-todo-kafka-0', uid: 'u1' }, capacity: { storage: '1Gi' } },
    },
  })
})

test.each([
  ['that is bound', [claim({ volumeName: 'pvc-u1' })], [volume('Bound', 'Delete')]],
  ['whose volume was made and not bound yet', [claim()], [volume('Available', 'Delete')]],
  ['of a class of somebody else', [claim({ storageClassName: 'other' })], []],
  ['that is being deleted', [{ ...claim(), metadata: { ...claim().metadata, deletionTimestamp: 'now' } }], []],
])('a claim %s is left alone', (_, claims, volumes) => {
  expect(planVolumes(classes, claims, volumes, '/state/volumes')).toEqual([])
})

test('a released volume goes with its folder when its reclaim policy is Delete', () => {
  expect(planVolumes(classes, [], [volume('Released', 'Delete')], '/state/volumes')).toEqual([
    { type: 'Delete', folder: '/state/volumes/x', name: 'pvc-u1' },
  ])
})

test('a released volume stays when its reclaim policy is Retain', () => {
  expect(planVolumes(classes, [], [volume('Released', 'Retain')], '/state/volumes')).toEqual([])
})

test('a volume whose folder is not below ours is never deleted', () => {
  expect(planVolumes(classes, [], [volume('Released', 'Delete', '/home')], '/state/volumes')).toEqual([])
})

test('a bound claim that grew grows its volume', () => {
  const grown = claim({ volumeName: 'pvc-u1', resources: { requests: { storage: '2Gi' } } })
  expect(planVolumes(classes, [grown], [volume('Bound', 'Delete')], '/state/volumes')).toMatchObject([
    { type: 'Expand', name: 'pvc-u1', storage: '2Gi' },
  ])
})
