import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { freePorts } from '../cluster/free-ports.ts'
import { liveHeap } from './live-heap.ts'

/** On each line of input: 64 MB that nobody refers to, then 32 MB that stay. */
const program = `
const kept = []
process.stdin.on('data', () => {
  Array.from({ length: 8_000_000 }, () => 1.5).length
  kept.push(Array.from({ length: 4_000_000 }, (_, index) => index + 0.5))
  console.log(kept.length)
})
console.log('ready')`

test('counts what stays and not what was let go', async () => {
  const [port = 0] = await freePorts(1)
  const child = spawn(process.execPath, [`--inspect-port=${port}`, '-e', program], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  try {
    await once(child.stdout, 'data')
    const before = await liveHeap(child.pid ?? 0, port)
    child.stdin.write('\n')
    await once(child.stdout, 'data')
    const grown = (await liveHeap(child.pid ?? 0, port)) - before
    expect(grown).toBeGreaterThan(30_000_000)
    expect(grown).toBeLessThan(40_000_000)
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
})
