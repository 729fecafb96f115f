import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateIdentity, identityToRecipient } from 'age-encryption'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BackupStatus } from '../../operator/src/api/v1alpha1/backup.ts'
import type { RestoreStatus } from '../../operator/src/api/v1alpha1/restore.ts'
import { kinds } from '../../operator/src/kube/kinds.ts'
import { startS3, type S3Server } from '../cluster/index.ts'
import { signUp } from './support/account.ts'
import type { Account } from './support/account.ts'
import { testCluster } from './support/cluster.ts'
import type { TestCluster } from './support/cluster.ts'
import { secretValue } from './support/database.ts'
import { documented } from './support/documented.ts'
import { eventually } from './support/eventually.ts'
import type { HttpClient } from './support/http-client.ts'
import { testNamespace } from './support/namespace.ts'
import type { TestNamespace } from './support/namespace.ts'
import { oneShotsIn } from './support/one-shot.ts'
import { systemIn } from './support/system.ts'
import type { System } from './support/system.ts'

const titles = ['sesame seeds', 'poppy seeds', 'caraway seeds']

/** A bucket, an age key and a schedule, and from the bucket a second system in another namespace. The tests build on one another. */
describe('a system that is backed up into a bucket', () => {
  let cluster: TestCluster
  let bucket: S3Server
  let here: TestNamespace
  let there: TestNamespace
  let todo: System
  let user: Account
  let scheduled: BackupStatus

  const secret = (namespace: string, name: string, stringData: Readonly<Record<string, string>>): Promise<string> =>
    cluster.kubectl(['apply', '-f', '-'], {
      input: JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, stringData }),
    })
  const destination = (login: string) => ({
    s3: { endpoint: bucket.endpoint, bucket: 'backups', prefix: 'cluster-a', secretRef: { name: login } },
  })
  const encryption = { secretRef: { name: 'backup-keys' } }
  const drill = { schedule: '* * * * *' }
  const backupCurrent = (status: string, reason: string) =>
    eventually(
      `BackupCurrent is ${status} ${reason}`,
      async () => {
        const seen = await todo.condition('BackupCurrent')
        if (seen?.status === status && seen.reason === reason) return seen
        throw new Error(JSON.stringify([seen, (await todo.status()).backup], null, 1))
      },
      120_000,
    )
  const tasksOf = async (chatApi: HttpClient, token: string): Promise<unknown> => {
    const { body } = await chatApi.call('/api/v1/tasks', { token })
    return body
  }

  beforeAll(async () => {
    cluster = await testCluster()
    const node = await cluster.kubectl([
      ...['get', 'nodes', '-o', 'jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}'],
    ])
    // Pods reach the node they run on.
    bucket = await startS3({ host: node.trim() })
    here = await testNamespace(cluster, 'backup')
    there = await testNamespace(cluster, 'backup-there')
    const identity = await generateIdentity()
    const keys = { identity, recipients: await identityToRecipient(identity) }
    const { accessKeyId, secretAccessKey } = bucket
    for (const { name } of [here, there]) {
      await secret(name, 'backup-keys', keys)
      await secret(name, 'login', { accessKeyId, secretAccessKey })
    }
    await secret(here.name, 'mistyped', { accessKeyId, secretAccessKey: `${secretAccessKey}x` })
    todo = systemIn(cluster, here.name, 'todo')
    // Long due when the first backup is there, so it is drilled at once.
    await todo.apply({ backup: { destination: destination('mistyped'), encryption, drill } })
    await systemIn(cluster, there.name, 'twin').apply({ backup: { destination: destination('login'), encryption } })
  })
  afterAll(async () => {
    await Promise.all([here.remove(), there.remove()])
    await bucket.stop()
    await cluster.close()
  })

  it('is told before the first backup that its credentials are wrong', async () => {
    const { message } = await backupCurrent('False', 'BackupDestinationUnreachable')
    expect(message).toContain('WrongCredentials')
    const described = await cluster.kubectl(['describe', 'tcb', 'todo', '-n', here.name])
    expect(described).toContain('BackupDestinationUnreachable')
    expect(described).toContain('WrongCredentials')
  })

  it('makes a scheduled backup, of which nothing but the manifest can be read in the bucket', async () => {
    await todo.ready()
    user = await signUp(await todo.worker('chat-api'))
    for (const title of titles) await user.change('/api/v1/tasks', { method: 'POST', body: { title } })
    const schedule = { schedule: '0 2 1 1 *', immediate: true }
    await todo.apply({ backup: { destination: destination('login'), encryption, drill, ...schedule } })
    const name = await eventually(
      'a backup is made',
      async () => (await cluster.list(kinds.Backup, here.name))[0]?.metadata.name,
      60_000,
    )
    expect(name).toMatch(/^todo-[0-9]{8}-[0-9]{4}$/)
    scheduled = await oneShotsIn(cluster, here.name).finished<BackupStatus>(kinds.Backup, name)
    expect(scheduled).toMatchObject({ phase: 'Succeeded', encrypted: true })
    const folder = join(bucket.folderOf('backups'), 'cluster-a', scheduled.path ?? '')
    const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((one) => one.isFile())
    const parts = files.filter(({ name: file }) => !file.startsWith('manifest.json'))
    expect(parts.map(({ name: file }) => file)).toEqual(
      expect.arrayContaining(['database.dump.age', 'secrets.json.age', 'state.ndjson.zst.age']),
    )
    for (const { parentPath, name: file } of parts)
      expect((await readFile(join(parentPath, file))).subarray(0, 21).toString('latin1')).toBe('age-encryption.org/v1')
  })

  it('proves it by a scheduled drill out of the bucket', async () => {
    const name = await eventually(
      'a drill is made',
      async () => (await cluster.list(kinds.Restore, here.name))[0]?.metadata.name,
      60_000,
    )
    await todo.edit({ backup: { drill: { suspend: true } } })
    expect(name).toMatch(/^todo-drill-[0-9]{8}-[0-9]{4}$/)
    const restore = await oneShotsIn(cluster, here.name).finished<RestoreStatus>(kinds.Restore, name)
    expect(restore).toMatchObject({ phase: 'Succeeded' })
    await backupCurrent('True', 'Current')
    const { backup } = await todo.status()
    expect(backup?.lastVerifiedRestore).toMatchObject({
      backup: backup?.last?.name,
      path: scheduled.path,
      restore: name,
    })
    console.log(`drill from S3: RTO ${backup?.measuredRTO} s, RPO ${backup?.measuredRPO} s`)
  })

  it('comes up in another namespace from the path, with the same users and tasks', async () => {
    const twin = systemIn(cluster, there.name, 'twin')
    await twin.ready()
    await secret(there.name, 'old-signing-key', {
      'public.pem': await secretValue(cluster, here.name, 'todo-backup-signing', 'public.pem'),
    })
    const { make, finished } = oneShotsIn(cluster, there.name)
    const guide = await documented('disaster-recovery.md', 'Everything is lost')
    const source = { ...(guide.spec['source'] as object), path: scheduled.path }
    await make(kinds.Restore, 'move', { ...guide.spec, system: 'twin', source })
    expect(await finished<RestoreStatus>(kinds.Restore, 'move')).toMatchObject({ phase: 'Succeeded' })
    await twin.ready()
    const chatApi = await twin.worker('chat-api')
    const { email, password } = user
    const login = await chatApi.call('/api/v1/auth/login', { method: 'POST', body: { email, password } })
    expect(login.status).toBe(200)
    const { token } = login.body as { token: string }
    const tasks = await tasksOf(chatApi, token)
    expect(tasks).toEqual(await tasksOf(await todo.worker('chat-api'), user.token))
    for (const title of titles) expect(JSON.stringify(tasks)).toContain(title)
  })
})
