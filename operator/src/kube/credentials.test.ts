import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createCredentials, inClusterCredentials, kubeconfigCredentials } from './credentials.ts'

let folder: string
let present: number
const now = (): number => present

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'credentials-'))
  present = 0
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

const mount = async (token: string): Promise<void> => {
  await writeFile(join(folder, 'token'), `${token}\n`)
  await writeFile(join(folder, 'ca.crt'), 'CA')
}

test('a rotated token is used a minute later at the latest, and at once when the old one was refused', async () => {
  await mount('first')
  const credentials = inClusterCredentials({ host: '10.0.0.1', port: '443', serviceAccountDir: folder, now })
  expect(await credentials.current()).toEqual({
    server: 'https://10.0.0.1:443',
    tls: { ca: 'CA' },
    headers: { authorization: 'Bearer first' },
  })
  await mount('second')
  present = 59_999
  expect((await credentials.current()).headers['authorization']).toBe('Bearer first')
  present = 60_000
  expect((await credentials.current()).headers['authorization']).toBe('Bearer second')
  await mount('third')
  expect((await credentials.renew()).headers['authorization']).toBe('Bearer third')
})

test('an IPv6 service address is bracketed', async () => {
  await mount('token')
  const credentials = inClusterCredentials({ host: 'fd00::1', port: '443', serviceAccountDir: folder })
  expect((await credentials.current()).server).toBe('https://[fd00::1]:443')
})

test('a token file that cannot be read for a moment does not stop the client', async () => {
  await mount('first')
  const credentials = inClusterCredentials({ host: '10.0.0.1', port: '443', serviceAccountDir: folder, now })
  await credentials.current()
  await rm(join(folder, 'token'))
  present = 120_000
  expect((await credentials.current()).headers['authorization']).toBe('Bearer first')
})

test('many requests that are refused at once cause one renewal', async () => {
  let loads = 0
  const credentials = createCredentials(async () => {
    loads += 1
    await Promise.resolve()
    return { server: 'https://x', tls: {}, headers: {} }
  })
  await Promise.all(Array.from({ length: 20 }, () => credentials.renew()))
  expect(loads).toBe(1)
})

const kubeconfig = (user: object): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'dev',
    contexts: [{ name: 'dev', context: { cluster: 'dev', user: 'me' } }],
    clusters: [
      {
        name: 'dev',
        cluster: {
          server: 'https://127.0.0.1:6443/',
          'certificate-authority-data': Buffer.from('CA').toString('base64'),
          'tls-server-name': 'kubernetes',
        },
      },
    ],
    users: [{ name: 'me', user }],
  })

test('a kubeconfig gives server, CA and client certificate', async () => {
  const path = join(folder, 'config')
  const data = (text: string): string => Buffer.from(text).toString('base64')
  await writeFile(path, kubeconfig({ 'client-certificate-data': data('CERT'), 'client-key-data': data('KEY') }))
  const session = await kubeconfigCredentials(path).current()
  expect(session.server).toBe('https://127.0.0.1:6443')
  expect({
    ...session.tls,
    ca: String(session.tls.ca),
    cert: String(session.tls.cert),
    key: String(session.tls.key),
  }).toMatchObject({ ca: 'CA', cert: 'CERT', key: 'KEY', servername: 'kubernetes' })
})

test('an exec plugin is asked for its token, and asked again after a refusal', async () => {
  const path = join(folder, 'config')
  const counter = join(folder, 'calls')
  const script = `echo x >> ${counter}; n=$(wc -l < ${counter} | tr -d ' '); printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"token-%s"}}' "$n"`
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: 'sh',
    args: ['-c', script],
    interactiveMode: 'Never',
  }
  await writeFile(path, kubeconfig({ exec }))
  const credentials = kubeconfigCredentials(path)
  expect((await credentials.current()).headers['authorization']).toBe('Bearer token-1')
  expect((await credentials.renew()).headers['authorization']).toBe('Bearer token-2')
})

test('a kubeconfig without a cluster is refused by its name', async () => {
  const path = join(folder, 'config')
  await writeFile(path, JSON.stringify({ apiVersion: 'v1', kind: 'Config', clusters: [], contexts: [], users: [] }))
  await expect(kubeconfigCredentials(path).current()).rejects.toThrow(path)
})
