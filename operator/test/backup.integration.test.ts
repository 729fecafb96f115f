import { createPublicKey } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startKafka, type KafkaServer } from '../../hack/cluster/index.ts'
import type { BackupStatus } from '../src/api/v1alpha1/backup.ts'
import type { TodoChatbotSpecInput } from '../src/api/v1alpha1/todochatbot.ts'
import { kinds } from '../src/kube/kinds.ts'
import { KubeError } from '../src/kube/kube-error.ts'
import { backupWorld, type BackupWorld } from './support/backups.ts'
import { minuteFromNow, rfc3339 } from './support/cron-time.ts'
import { startDoomedOperator } from './support/doomed-operator.ts'
import {
  applyBot,
  getOr,
  startOperator,
  startTestCluster,
  statusOf,
  until,
  untilCondition,
  type RunningOperator,
  type TestCluster,
} from './support/harness.ts'

let cluster: TestCluster
let kafka: KafkaServer
let operator: RunningOperator
let namespace: string
let world: BackupWorld

const volume = { destination: { volume: {} } }
const configure = async (backup: TodoChatbotSpecInput['backup']): Promise<void> => {
  await applyBot(cluster.client, namespace, {
    kafka: { mode: 'External', bootstrapServers: [kafka.brokers] },
    backup,
  })
}
const backupOf = async () => (await statusOf(cluster.client, namespace))?.backup
const current = (status: string, reason: string) =>
  untilCondition(cluster.client, namespace, { type: 'BackupCurrent', status, reason })

beforeAll(async () => {
  ;[cluster, kafka] = await Promise.all([startTestCluster(), startKafka()])
  operator = startOperator(cluster)
  namespace = await cluster.namespace()
  world = backupWorld(cluster, namespace)
  await configure({})
  await untilCondition(cluster.client, namespace, { type: 'Ready', status: 'True' })
})
afterAll(async () => {
  await operator.stop()
  await Promise.all([cluster.stop(), kafka.stop()])
})
afterEach(() => cluster.workloads.heal())

describe('a system without a destination', () => {
  test('says that nothing is backed up', async () => {
    const condition = await current('Unknown', 'BackupNotConfigured')
    expect(condition.message).toContain('spec.backup.destination')
  })

  test('lets a Backup wait and say for what, until its deadline; then it failed', async () => {
    await world.apply('nowhere', { deadline: '30s' })
    const status = await world.says('nowhere', 'has no spec.backup.destination')
    expect(status.phase).toBe('Pending')
    expect(Date.parse(status.deadline ?? '') - Date.parse(status.startedAt ?? '')).toBe(30_000)
    await cluster.client.delete(kinds.Backup, { namespace, name: 'nowhere' })
  })
})

describe('a Backup of a person', () => {
  beforeAll(() => configure(volume))

  test('is made, says what is in it, is signed by a key of its system, and its Job may ask the API server for nothing', async () => {
    await world.apply('first')
    const status = await world.finished('first')
    expect(status).toMatchObject({
      phase: 'Succeeded',
      observedGeneration: 1,
      summary: '4 KiB: 12 rows, 34 records',
      bytes: 4096,
      encrypted: false,
      destination: { volume: { size: '10Gi' } },
      cut: { skewMs: 5, audit: [{ stream: 'main', seq: 7 }] },
    })
    expect(status.path).toMatch(new RegExp(`^${namespace}/todo/[0-9]{8}T[0-9]{6}Z-first-[0-9a-f]{8}$`))
    expect(status.conditions?.map(({ type, status: held }) => [type, held])).toEqual([
      ['Ready', 'True'],
      ['Reconciling', 'False'],
      ['Stalled', 'False'],
    ])
    const secret = await cluster.client.get(kinds.Secret, { namespace, name: 'todo-backup-signing' })
    const pem = Buffer.from((secret['data'] as Record<string, string>)['public.pem'] ?? '', 'base64').toString()
    expect(createPublicKey(pem).asymmetricKeyType).toBe('ed25519')
    const job = await cluster.client.get(kinds.Job, { namespace, name: 'first-backup' })
    const { template } = job['spec'] as { template: { spec: { automountServiceAccountToken: boolean } } }
    expect(template.spec.automountServiceAccountToken).toBe(false)
  })

  test('is the last backup of its system, which calls it unverified until a restore has proved it', async () => {
    await current('Unknown', 'BackupUnverified')
    expect((await backupOf())?.last).toMatchObject({ name: 'first', phase: 'Succeeded', bytes: 4096 })
  })

  test('leaves the claim without an owner, so that backups outlive their system', async () =>
    expect(
      (await cluster.client.get(kinds.PersistentVolumeClaim, { namespace, name: 'todo-backups' })).metadata
        .ownerReferences,
    ).toBeUndefined())

  test('waits for the one before it: never two of a system at once', async () => {
    cluster.workloads.destination.held = true
    await world.apply('slow')
    await world.says('slow', 'Working')
    await world.apply('next')
    await world.says('next', 'Backup/slow: comes first')
    expect((await world.jobs()).map(({ metadata }) => metadata.name)).not.toContain('next-backup')
    cluster.workloads.destination.held = false
    expect((await world.finished('slow')).phase).toBe('Succeeded')
    expect((await world.finished('next')).phase).toBe('Succeeded')
  })

  test('takes its turn when the one it waits for is deleted, whose Job goes and whose data stays', async () => {
    cluster.workloads.destination.held = true
    await world.apply('given-up')
    await world.says('given-up', 'Working')
    await world.apply('heir')
    await world.says('heir', 'comes first')
    await cluster.client.delete(kinds.Backup, { namespace, name: 'given-up' })
    await until(
      'its Job is gone',
      async () => !(await getOr(cluster.client, kinds.Job, { namespace, name: 'given-up-backup' })),
    )
    const { path } = (await world.statusOf('first')) ?? {}
    await cluster.client.delete(kinds.Backup, { namespace, name: 'first' })
    cluster.workloads.destination.held = false
    expect((await world.finished('heir')).phase).toBe('Succeeded')
    expect(cluster.workloads.destination.backups).toContain(path)
  })

  test('that could not hold everything can be restored and says what it lacks', async () => {
    cluster.workloads.destination.missing = [{ what: 'state store', why: 'Redis did not answer' }]
    await world.apply('partial')
    const status = await world.finished('partial')
    expect(status).toMatchObject({
      phase: 'PartiallySucceeded',
      missing: [{ what: 'state store', why: 'Redis did not answer' }],
    })
    expect(status.conditions?.[0]).toMatchObject({ type: 'Ready', status: 'True' })
  })

  test('fails with the words of its Job and what to do, and its system says so', async () => {
    cluster.workloads.destination.refuses = { code: 'DestinationFull', reason: 'no space left on device' }
    await world.apply('full')
    const status = await world.finished('full')
    expect(status).toMatchObject({ phase: 'Failed', summary: 'DestinationFull: no space left on device' })
    expect(status.conditions?.[0]).toMatchObject({ type: 'Ready', status: 'False' })
    expect((await current('False', 'BackupFailed')).message).toContain('Backup/full')
    cluster.workloads.heal()
    await world.apply('again')
    await world.finished('again')
    await current('Unknown', 'BackupUnverified')
  })

  test('about a system that does not exist says so', async () => {
    await world.apply('lost', { system: 'other', deadline: '30s' })
    expect((await world.says('lost', 'TodoChatbot/other: does not exist')).phase).toBe('Pending')
    await cluster.client.delete(kinds.Backup, { namespace, name: 'lost' })
  })

  test('to a bucket whose Secret is missing says so instead of starting a pod that waits for it', async () => {
    const s3 = { endpoint: 'https://s3.example.com', bucket: 'backups', secretRef: { name: 's3-login' } }
    await world.apply('bucket', { destination: { s3 } })
    await world.says('bucket', 'Secret/s3-login: does not exist')
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's3-login', namespace } }
    await cluster.client.create(
      { ...secret, stringData: { accessKeyId: 'a', secretAccessKey: 'b' } },
      { fieldManager: 'admin' },
    )
    expect((await world.finished('bucket')).phase).toBe('Succeeded')
  })

  test.each([
    [
      'two destinations',
      { destination: { volume: {}, s3: { endpoint: 'http://a', bucket: 'abc', secretRef: { name: 'a' } } } },
      'either destination.s3 or destination.volume',
    ],
    ['no destination inside', { destination: {} }, 'either destination.s3 or destination.volume'],
    [
      'a bucket in capitals',
      { destination: { s3: { endpoint: 'http://a', bucket: 'ABC', secretRef: { name: 'a' } } } },
      'bucket must be 3 to 63 lower-case',
    ],
    [
      'an endpoint without a scheme',
      { destination: { s3: { endpoint: 'a:9000', bucket: 'abc', secretRef: { name: 'a' } } } },
      'endpoint must be http:// or https://',
    ],
    ['an unknown trigger', { trigger: 'Moon' }, 'Unsupported value: "Moon"'],
    ['no topics at all', { kafka: { topics: [] } }, 'should have at least 1 items'],
    ['a deadline of a second', { deadline: '1s' }, 'must lie between 30s and 7d'],
    ['a throttle that is no quantity', { throttle: 'fast' }, 'must be a Kubernetes quantity'],
  ])('with %s is refused', async (_what, spec, says) => {
    const refused = await world.apply('wrong', spec).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(KubeError)
    expect((refused as KubeError).message).toContain(says)
  })

  test('cannot be changed', async () => {
    await expect(world.apply('again', { compressionLevel: 9 })).rejects.toThrow(
      'the spec of a Backup cannot be changed',
    )
  })
})

describe('the schedule of a system', () => {
  test.each([
    ['without a destination', { schedule: '0 2 * * *' }, 'backup.schedule needs backup.destination'],
    ['with six fields', { schedule: '0 0 2 * * *', ...volume }, 'must be five fields of cron'],
    ['with words', { schedule: 'every night', ...volume }, 'must be five fields of cron'],
  ])('%s is refused', async (_what, backup, says) => {
    await expect(configure(backup)).rejects.toThrow(says)
  })

  test('with a time zone that does not exist is said to be wrong, and disturbs nothing else', async () => {
    await configure({ schedule: '0 2 * * *', timeZone: 'Europe/Nowhere', ...volume })
    expect((await current('False', 'BackupScheduleInvalid')).message).toContain('Europe/Berlin')
    await untilCondition(cluster.client, namespace, { type: 'Ready', status: 'True' })
  })

  test('says when the next backup is due, and makes one at once when it is immediate', async () => {
    await configure({ schedule: '0 2 1 1 *', timeZone: 'Asia/Tokyo', ...volume })
    const next = await until('it says when', async () => (await backupOf())?.next)
    expect(next).toMatch(/-12-31T17:00:00Z$/)
    const scheduled = (await world.all()).filter(({ spec }) => (spec as { trigger: string }).trigger === 'Schedule')
    expect(scheduled).toEqual([])
  })

  test('makes a backup at its time, once, by a name that says which time it is for', async () => {
    const { time, cron } = minuteFromNow(2)
    await configure({ schedule: cron, ...volume })
    await until('it says when', async () => (await backupOf())?.next === rfc3339(time))
    await operator.stop()
    // For it, the time has come; for the rest of this file, too.
    operator = startOperator(cluster, { ahead: time - Date.now() })
    const scheduled = async () =>
      (await world.all()).filter(({ spec }) => (spec as { trigger: string }).trigger === 'Schedule')
    const made = await until('there is one', async () => (await scheduled())[0])
    expect(made.metadata.name).toBe(`todo-${rfc3339(time).slice(0, 16).replace(/[-:]/g, '').replace('T', '-')}`)
    expect(made.metadata.ownerReferences).toBeUndefined()
    expect((await world.finished(made.metadata.name)).phase).toBe('Succeeded')
    await until('it is the last', async () => (await backupOf())?.last?.name === made.metadata.name)
    expect(await scheduled()).toHaveLength(1)
  })
})

test('a destination that takes no backup is found by its check, and so is that it does again when it is another one', async () => {
  cluster.workloads.destination.refuses = { code: 'WrongCredentials', reason: 'the access key is not known' }
  await configure({ destination: { volume: { claim: 'other' } } })
  const condition = await current('False', 'BackupDestinationUnreachable')
  expect(condition.message).toContain('WrongCredentials: the access key is not known')
  cluster.workloads.heal()
  await configure(volume)
  await until('the check passes', async () => (await backupOf())?.check?.ok === true)
})

test('retention says first what would go, then removes it with its resources, and never what a restore has proved', async () => {
  await configure({ ...volume, retention: { keepLast: 100 } })
  const names = ['old-1', 'old-2', 'old-3', 'old-4']
  for (const name of names) {
    cluster.workloads.destination.pruneHeld = name === 'old-4'
    await world.apply(name)
    await world.finished(name)
  }
  const proved = (await world.statusOf('old-1')) ?? { observedGeneration: 1 }
  await cluster.client.apply(
    { ...world.object('old-1'), spec: undefined, status: { ...proved, verifiedAt: new Date().toISOString() } },
    { fieldManager: 'todochatbot-operator', subresource: 'status' },
  )
  await until('it is proved', async () => (await backupOf())?.lastVerifiedRestore?.backup === 'old-1')
  await current('True', 'Current')
  // The look after the last backup is still under way when the policy changes.
  await configure({ ...volume, retention: { keepLast: 2, dryRun: true } })
  await current('True', 'Current')
  cluster.workloads.destination.pruneHeld = false
  const would = await until('it says what would go', async () => (await backupOf())?.retention?.would)
  expect(would).not.toContain(proved.path)
  expect(would).toContain((await world.statusOf('old-2'))?.path)
  await configure({ ...volume, retention: { keepLast: 2 } })
  await until('they are gone', async () => {
    const left = (await world.all()).map(({ metadata }) => metadata.name)
    return !left.includes('old-2') && left
  })
  const left = (await world.all()).map(({ metadata }) => metadata.name)
  expect(left).toEqual(expect.arrayContaining(['old-1', 'old-3', 'old-4']))
  expect(cluster.workloads.destination.backups).toHaveLength(3)
  await until('nothing is left whose data is gone', async () => {
    // What lies in another destination is not this one's to remove.
    const here = (await world.all())
      .map(({ status }) => (status ?? {}) as BackupStatus)
      .filter(({ destination, phase }) => destination?.volume !== undefined && phase !== 'Failed')
    return here.every(({ path = '' }) => cluster.workloads.destination.backups.includes(path))
  })
})

test('an operator that is killed after any write of a Backup leaves one that its successor finishes, with one Job', async () => {
  await operator.stop()
  let points = 0
  for (let n = 1; points === 0; n += 1) {
    const name = `crash-${n}`
    const first = startDoomedOperator(cluster, n, { WATCH_NAMESPACE: namespace })
    await world.apply(name)
    const whole = world.finished(name)
    whole.catch(() => undefined)
    const crash = await Promise.race([first.crashed, whole.then(() => false)])
    await first.stop()
    if (!crash) points = n
    const second = startOperator(cluster, { env: { WATCH_NAMESPACE: namespace } })
    expect((await world.finished(name)).phase).toBe('Succeeded')
    await second.stop()
    expect(cluster.workloads.podsStarted(namespace, `${name}-backup`)).toBe(1)
  }
  expect(points).toBeGreaterThan(5)
  process.stdout.write(`crash points of a Backup: ${points - 1}, all converged\n`)
  operator = startOperator(cluster)
})
