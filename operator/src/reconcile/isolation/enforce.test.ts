import { expect, test } from 'vitest'
import fc from 'fast-check'
import type { KubeObject } from '../../api/v1alpha1/kubernetes.ts'
import { deploymentPatch } from './enforce.ts'

interface State {
  readonly replicas: number
  readonly paused?: boolean
  readonly annotations: Readonly<Record<string, string>>
}

const objectOf = ({ replicas, paused, annotations }: State): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'todo-audit', annotations },
  spec: { replicas, ...(paused === undefined ? {} : { paused }) },
})

/** JSON merge patch on the fields that matter here. */
const patched = (state: State, mode: Parameters<typeof deploymentPatch>[1]): State => {
  const patch = deploymentPatch(objectOf(state), mode) as
    | { metadata: { annotations: Record<string, string | null> }; spec: { replicas?: number; paused?: boolean | null } }
    | undefined
  if (patch === undefined) return state
  const entries = Object.entries({ ...state.annotations, ...patch.metadata.annotations })
  const annotations = Object.fromEntries(entries.filter((pair): pair is [string, string] => pair[1] !== null))
  const { replicas = state.replicas, paused = state.paused } = patch.spec
  return { replicas, annotations, ...(paused === null || paused === undefined ? {} : { paused }) }
}

const modes = fc.constantFrom('Network' as const, 'ScaleDown' as const)

test('whatever isolations follow each other, the end gives the Deployment back as it was', () =>
  fc.assert(
    fc.property(fc.nat(20), fc.array(modes, { minLength: 1, maxLength: 6 }), (replicas, sequence) => {
      const before: State = { replicas, annotations: { other: 'stays' } }
      const during = sequence.reduce<State>(patched, before)
      expect(patched(during, undefined)).toEqual(before)
    }),
  ))

test('an isolation that is in force needs no write', () =>
  fc.assert(
    fc.property(fc.nat(20), modes, (replicas, mode) => {
      const once = patched({ replicas, annotations: {} }, mode)
      expect(deploymentPatch(objectOf(once), mode)).toBeUndefined()
    }),
  ))

test('a Deployment that somebody else paused stays paused when a worker that was scaled down comes back', () => {
  const before: State = { replicas: 2, paused: true, annotations: {} }
  expect(patched(patched(before, 'ScaleDown'), undefined)).toEqual(before)
})
