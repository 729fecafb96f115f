import { describe, expect, test } from 'vitest'
import type { StepStatus } from '../../api/v1alpha1/restore.ts'
import type { KubeObject } from '../../kube/object.ts'
import { lastSwitch, replacements } from './fence.ts'

const bot = { metadata: { name: 'todo' } }
const restore = (name: string, steps: readonly StepStatus[], system = 'todo'): KubeObject => ({
  apiVersion: 'todochatbot.dev/v1alpha1',
  kind: 'Restore',
  metadata: { name, namespace: 'todo-app', uid: `${name}-0123456789` },
  spec: { system },
  status: { steps },
})
const switched = (finishedAt: string, state: StepStatus['state'] = 'Succeeded'): StepStatus => ({
  name: 'Switch',
  state,
  finishedAt,
})
const [monday, tuesday] = ['2026-01-05T10:00:00Z', '2026-01-06T10:00:00Z']

describe('the restores that replaced the data of a system', () => {
  test('are told in the order of their switches, whatever order they are listed in', () => {
    const restores = [restore('second', [switched(tuesday)]), restore('first', [switched(monday)])]
    expect(replacements(bot, restores)).toEqual([monday, tuesday])
    expect(lastSwitch(bot, restores)).toMatch(/^Restore\/second\//)
  })

  test.each([
    ['of another system', restore('other', [switched(monday)], 'other')],
    ['whose switch failed', restore('failed', [switched(monday, 'Failed')])],
    ['that only tried, in a drill', restore('drill', [{ name: 'Database', state: 'Succeeded', finishedAt: monday }])],
    ['that nobody has begun', { ...restore('new', []), status: undefined }],
  ])('are not those %s', (_, other) => {
    expect(replacements(bot, [other])).toEqual([])
    expect(lastSwitch(bot, [other])).toBeUndefined()
  })
})
