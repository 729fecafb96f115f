import { expect, test } from 'vitest'
import { maxRestoreName, restoreSpecSchema, type Restore, type RestoreSpec } from '../../api/v1alpha1/restore.ts'
import { aTodoChatbot } from '../../../test/support/builders.ts'
import { drillSection } from './drill-section.ts'
import { endedDrills, scheduledDrill } from './drill.ts'

/** A Restore by its end: `03 Failed` ended at three o'clock; undefined: it is under way. */
const restore = (name: string, ended: string | undefined, more: Partial<RestoreSpec> = {}): Restore => {
  const [hour, phase = 'Succeeded'] = (ended ?? '').split(' ')
  const finishedAt = `2026-01-01T${hour ?? ''}:00:00Z`
  return {
    metadata: { name, namespace: 'n', uid: name, generation: 1 },
    spec: {
      ...{ system: 'todo', mode: 'Drill', trigger: 'Schedule', source: { backup: 'monday' }, deadline: '2h' },
      ...more,
    },
    status: {
      observedGeneration: 1,
      ...(ended === undefined
        ? { phase: 'Running' }
        : { phase: phase as 'Succeeded', finishedAt, summary: `${name} says why` }),
    },
  }
}

test('the Restore of a time has a name that fits, a spec that the schema accepts, and goes with its system', () => {
  const drill = scheduledDrill(aTodoChatbot({}, { name: 'a'.repeat(30) }), Date.parse('2026-01-02T04:00:00Z'), 'monday')
  expect(drill.metadata.name).toBe(`${'a'.repeat(30)}-drill-20260102-0400`)
  expect(drill.metadata.name.length).toBeLessThanOrEqual(maxRestoreName)
  expect(restoreSpecSchema.parse(drill['spec'])).toMatchObject({ mode: 'Drill', source: { backup: 'monday' } })
  expect(drill.metadata.ownerReferences).toMatchObject([{ kind: 'TodoChatbot', controller: true }])
})

test.each<[string, readonly Restore[], readonly string[]]>([
  ['the newest three stay', ['04', '01', '05', '02', '03'].map((at) => restore(at, at)), ['02', '01']],
  [
    'the newest that succeeded stays however old',
    [restore('good', '02'), restore('older', '01'), ...['03', '04', '05'].map((at) => restore(at, `${at} Failed`))],
    ['older'],
  ],
  [
    'what people asked for, what replaces data and what is under way stays',
    [
      restore('mine', '01', { trigger: 'Manual' }),
      restore('in-place', '01', { mode: 'InPlace' }),
      restore('going', undefined),
      ...['03', '04', '05'].map((at) => restore(at, at)),
    ],
    [],
  ],
])('of drills that have ended %s', (_what, restores, gone) =>
  expect(endedDrills(restores).map(({ metadata }) => metadata.name)).toEqual(gone),
)

test.each<[string, readonly Restore[], string | undefined, object | undefined]>([
  ['without a drill says nothing', [restore('r', undefined, { mode: 'InPlace' })], undefined, undefined],
  ['names the one under way', [restore('r', undefined)], undefined, { running: 'r' }],
  [
    'tells a failure that came after the last proof',
    [restore('r', '03 Failed')],
    '2026-01-01T02:00:00Z',
    { lastFailed: { restore: 'r', backup: 'monday', at: '2026-01-01T03:00:00Z', message: 'r says why' } },
  ],
  [
    'counts what does not agree across the services as a failure',
    [restore('r', '03 PartiallySucceeded')],
    undefined,
    { lastFailed: { restore: 'r' } },
  ],
  ['tells no failure that a later proof has answered', [restore('r', '03 Failed')], '2026-01-01T04:00:00Z', undefined],
  ['tells only the newest', [restore('r', '03 Failed'), restore('s', '04')], '2026-01-01T04:00:00Z', undefined],
  [
    'says nothing about a path of another system',
    [restore('r', '03 Failed', { source: { path: 'a/b' } })],
    undefined,
    undefined,
  ],
])('status.backup.drill %s', (_what, restores, verifiedAt, says) => {
  const section = drillSection(restores, verifiedAt, undefined)
  if (says === undefined) expect(section).toBeUndefined()
  else expect(section).toMatchObject(says)
})
