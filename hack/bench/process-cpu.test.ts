import { expect, it } from 'vitest'
import { cpuOf, processCpu } from './process-cpu.ts'

it('reads user and system time whatever the program is called', () => {
  const stat = '42 (a (b) c) S 1 42 42 0 -1 4194560 10 0 0 0 150 25 0 0 20 0 1 0 100 1000 10'
  expect(cpuOf(stat)).toBe(1750)
})

it('refuses a text without times', () => {
  expect(() => cpuOf('42 (node) S 1')).toThrow('no CPU times')
})

it('knows the time of a running process', async () => {
  expect(await processCpu(process.pid)).toBeGreaterThan(0)
})
