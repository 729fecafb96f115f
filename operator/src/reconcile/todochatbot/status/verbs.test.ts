import { describe, expect, test } from 'vitest'
import { allowedVerbs, type VerbInput } from './verbs.ts'

const calm: VerbInput = { paused: false, isolated: false, migrationFailed: false, rolling: false, refused: false }

describe('what an admin may do with an operation', () => {
  test.each<[string, Partial<VerbInput>, readonly string[]]>([
    ['waits for something', {}, ['Pause']],
    ['rolls out a change', { rolling: true }, ['Pause', 'Revert']],
    ['rolls out a change, held by a pause', { rolling: true, paused: true }, ['Resume']],
    ['has refused a change', { refused: true }, ['Pause', 'Revert', 'Retry']],
    ['has refused a change, and is paused', { refused: true, paused: true }, ['Resume']],
    ['is stuck at a migration that failed', { migrationFailed: true }, ['Pause', 'RetryMigration']],
    ['has an isolated worker', { isolated: true }, ['Pause', 'EndIsolation']],
    ['has an isolated worker, and is paused', { isolated: true, paused: true }, ['Resume', 'EndIsolation']],
  ])('that %s', (_what, input, verbs) => {
    expect(allowedVerbs({ ...calm, ...input })).toEqual(verbs)
  })
})
