import { beforeEach, expect, test } from 'vitest'
import { createFights } from './fights.ts'
import type { Fights, Permit } from './fights.ts'

let present: number
let fights: Fights

beforeEach(() => {
  present = 1_000_000
  fights = createFights({ limit: 3, windowMs: 10_000, pauseMs: { min: 1000, max: 4000 }, now: () => present })
})

const correct = (hash = 'h'): Permit => {
  const permit = fights.permit('ConfigMap a', hash)
  if (permit.write) fights.wrote('ConfigMap a', hash)
  return permit
}

test('the change and as many corrections as allowed are written', () => {
  expect([correct(), correct(), correct(), correct()].map(({ write }) => write)).toEqual([true, true, true, true])
})

test('one correction more pauses writing, and says so once', () => {
  for (let times = 0; times < 4; times += 1) correct()
  expect(correct()).toEqual({ write: false, pausedMs: 1000, begins: true, corrections: 3 })
  present += 400
  expect(correct()).toEqual({ write: false, pausedMs: 600, begins: false, corrections: 3 })
})

test('after a pause one probe is written; undone again, the pause doubles, up to a limit', () => {
  for (let times = 0; times < 4; times += 1) correct()
  const pauses: number[] = []
  for (let round = 0; round < 4; round += 1) {
    const permit = correct()
    if (!permit.write) {
      pauses.push(permit.pausedMs)
      present += permit.pausedMs + 1
    }
    expect(correct().write).toBe(true)
  }
  expect(pauses).toEqual([1000, 2000, 4000, 4000])
})

test('a new desired state is written at once: it is not a correction', () => {
  for (let times = 0; times < 5; times += 1) correct('old')
  expect(correct('new').write).toBe(true)
})

test('corrections that are far apart are no fight', () => {
  for (let times = 0; times < 50; times += 1) {
    expect(correct().write).toBe(true)
    present += 6000
  }
})

test('when the probe holds, the fight is over and corrections are free again', () => {
  for (let times = 0; times < 5; times += 1) correct()
  present += 1001
  expect(correct().write).toBe(true)
  present += 10_001
  expect([correct(), correct(), correct(), correct()].every(({ write }) => write)).toBe(true)
})
