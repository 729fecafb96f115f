import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Pod } from './resources.ts'
import { watchSandboxes, withSandboxAddresses } from './sandboxes.ts'

const result = (uid: string, address: string): string =>
  JSON.stringify({
    kind: 'cniCacheV1',
    cniArgs: [
      ['K8S_POD_NAMESPACE', 'shop'],
      ['K8S_POD_UID', uid],
    ],
    result: { ips: [{ address }] },
  })

const pod = (uid: string, podIP?: string): Pod => ({
  metadata: { name: 'web', namespace: 'shop', uid },
  spec: { containers: [] },
  status: { phase: 'Pending', ...(podIP === undefined ? {} : { podIP }) },
})

test('addresses are read from the files of the network, come and go with them, and half a file is read later', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sandboxes-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  let changed = Promise.withResolvers<undefined>()
  const sandboxes = await watchSandboxes(folder, 'dev', () => changed.resolve(undefined))
  await writeFile(join(folder, 'dev-1-eth0'), result('u1', '10.61.1.1/16'))
  await changed.promise
  changed = Promise.withResolvers()
  await writeFile(join(folder, 'loopback-1-lo'), result('u1', '127.0.0.1/8'))
  await writeFile(join(folder, 'dev-2-eth0'), result('u2', '10.61.1.2/16').slice(0, 40))
  expect([...(await sandboxes.addresses())]).toEqual([['u1', '10.61.1.1']])
  await writeFile(join(folder, 'dev-2-eth0'), result('u2', '10.61.1.2/16'))
  await rm(join(folder, 'dev-1-eth0'))
  await changed.promise
  expect([...(await sandboxes.addresses())]).toEqual([['u2', '10.61.1.2']])
})

test.each([
  ['has the address of its sandbox before its status does', pod('u1'), '10.61.1.1'],
  ['has that of a new sandbox while its status tells of the old one', pod('u1', '10.61.1.9'), '10.61.1.1'],
  ['keeps that of its status when no sandbox is known', pod('u2', '10.61.1.2'), '10.61.1.2'],
])('a pod %s', (_, one, address) => {
  expect(withSandboxAddresses([one], new Map([['u1', '10.61.1.1']]))[0]?.status?.podIP).toBe(address)
})
