import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { freePorts, portIsFree } from './free-ports.ts'

test('answers different ports that can be listened on', async () => {
  const ports = await freePorts(20)
  expect(new Set(ports).size).toBe(20)
  for (const port of ports) expect(await portIsFree(port, '127.0.0.1')).toBe(true)
})

test('never answers a port again to those who ask at the same time', async () => {
  const answers = await Promise.all(Array.from({ length: 500 }, () => freePorts(2)))
  expect(new Set(answers.flat()).size).toBe(1_000)
})

test('keeps to ports that no outgoing connection is given', async () => {
  const range = await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
  const lowest = Number(range.trim().split(/\s+/)[0])
  for (const port of await freePorts(20)) expect(port).toBeLessThan(lowest)
})

test('sees a port that is taken', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  expect(await portIsFree(address.port, '127.0.0.1')).toBe(false)
  await new Promise((resolve) => server.close(resolve))
})
