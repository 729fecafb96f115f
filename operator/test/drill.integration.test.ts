import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startKafka, type KafkaServer } from '../../hack/cluster/index.ts'
import type { RestoreSpec, RestoreStatus } from '../src/api/v1alpha1/restore.ts'
import type { TodoChatbotSpecInput } from '../src/api/v1alpha1/todochatbot.ts'
import { kinds } from '../src/kube/kinds.ts'
import type { KubeObject } from '../src/kube/object.ts'
import { scheduledName } from '../src/reconcile/backup/schedule.ts'
import { backupWorld, type BackupWorld } from './support/backups.ts'
import { minuteFromNow, rfc3339 } from './support/cron-time.ts'
import { startDoomedOperator } from './support/doomed-operator.ts'
import {
  applyBot,
  startOperator,
  startTestCluster,
  statusOf,
  until,
  untilCondition,
  type RunningOperator,
  type TestCluster,
} from './support/harness.ts'

/** The schedule of drills on a real API server. Time passes by operators whose clocks are ahead. The tests build on one another. */
let cluster: TestCluster
let kafka: KafkaServer
let operator: RunningOperator
let namespace: string
let world: BackupWorld

const minute = 60_000
const hour = 60 * minute
/** The first drill; one follows every hour. */
const { time: first } = minuteFromNow(2)
const hourly = `${new Date(first).getUTCMinutes()} * * * *`

const configure = async (backup: TodoChatbotSpecInput['backup']): Promise<void> => {
  const external = { mode: 'External' as const, bootstrapServers: [kafka.brokers] }
  await applyBot(cluster.client, namespace, { kafka: external, backup })
}
const destination = { volume: {} }
const drilled = (drill: object = {}) => configure({ destination, drill: { schedule: hourly, ...drill } })
const backupOf = async () => (await statusOf(cluster.client, namespace))?.backup
const current = (status: string, reason: string) =>
  untilCondition(cluster.client, namespace, { type: 'BackupCurrent', status, reason })
/** Names of all Restores, oldest first. */
const restores = async (): Promise<readonly string[]> =>
  (await cluster.client.list(kinds.Restore, { namespace })).items.map(({ metadata }) => metadata.name).toSorted()
const restore = (name: string): Promise<KubeObject> => cluster.client.get(kinds.Restore, { namespace, name })
const finished = (name: string): Promise<RestoreStatus> =>
  until(`${name} is finished`, async () => {
    const status = (await restore(name))['status'] as RestoreStatus | undefined
    return status?.finishedAt === undefined ? undefined : status
  })
const at = (time: number): string => scheduledName('todo-drill', time)
/** Another operator, for which it is so late. */
const itIs = async (time: number): Promise<void> => {
  await operator.stop()
  operator = startOperator(cluster, { ahead: time - Date.now() })
}

beforeAll(async () => {
  ;[cluster, kafka] = await Promise.all([startTestCluster(), startKafka()])
  operator = startOperator(cluster)
  namespace = await cluster.namespace()
  world = backupWorld(cluster, namespace)
  await configure({ destination })
  await untilCondition(cluster.client, namespace, { type: 'Ready', status: 'True' })
})
afterAll(async () => {
  await operator.stop()
  await Promise.all([cluster.stop(), kafka.stop()])
})
afterEach(() => cluster.workloads.heal())

describe('a schedule of drills', () => {
  test.each([
    ['without a destination', { drill: { schedule: hourly } }, 'backup.drill needs backup.destination'],
    ['without a schedule', { destination, drill: {} }, 'spec.backup.drill.schedule: Required value'],
    ['in words', { destination, drill: { schedule: 'weekly' } }, 'must be five fields of cron'],
    [
      'in a zone of two words',
      { destination, drill: { schedule: hourly, timeZone: 'Central Europe' } },
      'must be the name of an IANA time zone',
    ],
    [
      'with a proof for a minute',
      { destination, drill: { schedule: hourly, maxAge: '1m' } },
      'must lie between 1h and',
    ],
    [
      'with an age in words',
      { destination, drill: { schedule: hourly, maxAge: 'a week' } },
      'a duration is whole numbers with the units',
    ],
  ])('%s is refused', async (_what, backup, says) => {
    await expect(configure(backup as TodoChatbotSpecInput['backup'])).rejects.toThrow(says)
  })

  test('says when the next is due, in the zone of the backups, and waits for a backup', async () => {
    await configure({ destination, timeZone: 'Asia/Tokyo', drill: { schedule: '0 2 1 1 *' } })
    await until('it says when', async () => (await backupOf())?.drill?.next?.endsWith('-12-31T17:00:00Z'))
    await drilled()
    await until('it says when', async () => (await backupOf())?.drill?.next === rfc3339(first))
    await itIs(first)
    await until('it looked', async () => (await backupOf())?.drill?.next === rfc3339(first + hour))
    expect(await restores()).toEqual([])
  })

  test('drills the first backup as soon as there is one, and calls it proved', async () => {
    await world.apply('monday')
    await world.finished('monday')
    const name = await until('there is a drill', async () => (await restores())[0])
    expect(name).toBe(at(first))
    const { spec, metadata } = await restore(name)
    expect(spec as RestoreSpec).toMatchObject({ mode: 'Drill', trigger: 'Schedule', source: { backup: 'monday' } })
    expect(metadata.ownerReferences).toMatchObject([{ kind: 'TodoChatbot', name: 'todo' }])
    const { measured } = await finished(name)
    await current('True', 'Current')
    expect(await backupOf()).toMatchObject({
      lastVerifiedRestore: { backup: 'monday', restore: name },
      measuredRTO: measured?.rto,
      // There is only one cut: how old it was at the drill is all that is known.
      measuredRPO: measured?.rpo,
      drill: { scheduledAt: rfc3339(first), next: rfc3339(first + hour) },
    })
    expect(measured?.rpo).toBeGreaterThan(60)
  })

  test('makes up once for many that were missed, drills the newest backup, and never two at once', async () => {
    await world.apply('tuesday')
    await world.finished('tuesday')
    const missed = at(first + 30 * hour)
    cluster.workloads.misbehave(`Job/${missed}-check`, { kind: 'NotStarted' })
    await itIs(first + 30 * hour + minute)
    await until('it is under way', async () => (await backupOf())?.drill?.running === missed)
    expect(await restores()).toEqual([at(first), missed])
    expect((await restore(missed))['spec']).toMatchObject({ source: { backup: 'tuesday' } })
    await itIs(first + 31 * hour + minute)
    await until('it looked', async () => (await backupOf())?.drill?.next === rfc3339(first + 32 * hour))
    expect(await restores()).toEqual([at(first), missed])
    cluster.workloads.heal()
    await until('the next is made', async () => (await restores()).includes(at(first + 31 * hour)))
    expect((await finished(missed)).phase).toBe('Succeeded')
    expect((await finished(at(first + 31 * hour))).phase).toBe('Succeeded')
  })

  test('that finds a backup that cannot be restored says so on the system, until one can', async () => {
    const failing = at(first + 40 * hour)
    cluster.workloads.misbehave(`Job/${failing}-database`, { kind: 'Failed', message: 'PartCorrupt: database.dump' })
    await itIs(first + 40 * hour)
    const { message } = await current('False', 'DrillFailed')
    expect(message).toContain(`Restore/${failing} of Backup/tuesday`)
    expect(message).toContain('PartCorrupt: database.dump')
    expect(message).toContain('create another Backup')
    await itIs(first + 41 * hour)
    await current('True', 'Current')
  })

  test('that is suspended makes none, and what is proved grows too old', async () => {
    const before = await restores()
    await drilled({ suspend: true, maxAge: '12h' })
    await current('True', 'Current')
    await itIs(first + 60 * hour)
    const { message } = await current('Unknown', 'BackupUnverified')
    expect(message).toContain('longer than 12h ago')
    expect((await backupOf())?.drill?.next).toBeUndefined()
    expect(await restores()).toEqual(before)
  })

  test('in a zone that does not exist says which schedule it is', async () => {
    await drilled({ timeZone: 'Europe/Nowhere' })
    const { message } = await current('False', 'BackupScheduleInvalid')
    expect(message).toContain(`spec.backup.drill.schedule "${hourly}"`)
    await drilled()
    await current('True', 'Current')
  })

  test('keeps few: the newest three, of which each was made once', async () => {
    await itIs(first + 70 * hour)
    const newest = at(first + 70 * hour)
    await until('it is made', async () => (await restores()).includes(newest))
    expect((await finished(newest)).phase).toBe('Succeeded')
    await until('the oldest are gone', async () => (await restores()).length === 3)
    expect((await restores()).at(-1)).toBe(newest)
    await until('it is the proof', async () => (await backupOf())?.lastVerifiedRestore?.restore === newest)
  })
})

test('an operator that is killed after any of its first writes leaves a drill that its successor finishes, made once', async () => {
  await operator.stop()
  for (const n of [1, 2, 4]) {
    const time = first + (80 + n) * hour
    const options = { ahead: time - Date.now() }
    const doomed = startDoomedOperator(cluster, n, { WATCH_NAMESPACE: namespace }, options)
    await doomed.crashed
    await doomed.stop()
    operator = startOperator(cluster, options)
    await until('it is made', async () => (await restores()).includes(at(time)))
    expect((await finished(at(time))).phase).toBe('Succeeded')
    await until('it is noted', async () => (await backupOf())?.lastVerifiedRestore?.restore === at(time))
    expect((await restores()).filter((one) => one >= at(time))).toEqual([at(time)])
    await operator.stop()
  }
  operator = startOperator(cluster)
})
