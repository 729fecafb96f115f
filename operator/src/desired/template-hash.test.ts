import { expect, test } from 'vitest'
import { differsInRestartOnly, templateHash } from './template-hash.ts'

test('a restart is told from a change', () => {
  const plain = templateHash({ image: 'a' }, undefined)
  const restarted = templateHash({ image: 'a' }, '2026-01-01')
  expect(differsInRestartOnly(plain, restarted)).toBe(true)
  expect(differsInRestartOnly(restarted, templateHash({ image: 'a' }, '2026-01-02'))).toBe(true)
  expect(differsInRestartOnly(plain, plain)).toBe(false)
  expect(differsInRestartOnly(plain, templateHash({ image: 'b' }, '2026-01-01'))).toBe(false)
})
