import { expect, test } from 'vitest'
import { changesText, configChanges } from './config-changes.ts'

test('only what differs is told, by path, from what to what', () =>
  expect(
    configChanges(
      { database: { pool: { min: 1, max: 10 } }, settings: { signup: true }, same: 1 },
      { database: { pool: { min: 1, max: 5 } }, settings: { signup: true, zones: ['UTC'] }, same: 1 },
    ),
  ).toEqual(['database.pool.max 10 → 5', 'settings.zones unset → ["UTC"]']))

test('credentials in a URL are not told', () =>
  expect(configChanges({}, { tracing: { endpoint: 'https://me:secret@collector:4318' } })).toEqual([
    'tracing.endpoint unset → https://…@collector:4318',
  ]))

test('a text has an end, and says how much it leaves out', () => {
  const many = Array.from({ length: 100 }, (_, index) => `settings.number${index} 1 → 2`)
  const text = changesText(many)
  expect(text.length).toBeLessThan(950)
  expect(text).toMatch(/ and \d+ more$/)
  expect(changesText(many.slice(0, 2))).toBe('settings.number0 1 → 2, settings.number1 1 → 2')
})
