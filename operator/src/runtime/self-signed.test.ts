import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:tls'
import { expect, test } from 'vitest'
import { selfSigned } from './self-signed.ts'

const day = 86_400_000

test('is a certificate for its names, valid for its time, signed by its own key', () => {
  const now = Date.parse('2026-01-01T00:00:00Z')
  const names = ['metrics.operators.svc', 'metrics.operators.svc.cluster.local'] as const
  const made = selfSigned({ names: [...names], now, lifetime: 90 * day })
  const parsed = new X509Certificate(made.certificate)
  expect(parsed.verify(parsed.publicKey)).toBe(true)
  for (const name of names) expect(parsed.checkHost(name)).toBe(name)
  expect(parsed.checkHost('other.operators.svc')).toBeUndefined()
  expect(parsed.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
  expect(new Date(parsed.validTo).getTime()).toBe(now + 90 * day)
  expect(new Date(parsed.validFrom).getTime()).toBeLessThan(now)
})

test('is accepted in a handshake by who trusts it, and by nobody else', async () => {
  const make = () => selfSigned({ names: ['localhost'], now: Date.now(), lifetime: day })
  const { certificate, key } = make()
  const server = createServer({ cert: certificate, key }, (socket) => socket.end())
  server.on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const handshake = async (ca: string): Promise<string> => {
    const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca })
    const outcome = await Promise.race([
      once(socket, 'secureConnect').then(() => 'accepted'),
      once(socket, 'error').then(([error]) => (error as NodeJS.ErrnoException).code ?? ''),
    ]).catch((error: unknown) => (error as NodeJS.ErrnoException).code ?? '')
    socket.destroy()
    return outcome
  }
  try {
    expect(await handshake(certificate)).toBe('accepted')
    expect(await handshake(make().certificate)).toMatch(/SIGNATURE|SELF_SIGNED/)
  } finally {
    server.close()
  }
})
