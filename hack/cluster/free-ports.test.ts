import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { freePorts, portIsFree } from './free-ports.ts'

test('answers different ports that can be listened on', async () => {
  const ports = await freePorts(20)
  expect(new Set(ports).size).toBe(20)
  for (const port of ports) expect(await portIsFree(port, '127.0.0.1')).toBe(true)
})

test('sees a port that is taken', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  expect(await portIsFree(address.port, '127.0.0.1')).toBe(false)
  await new Promise((resolve) => server.close(resolve))
})
