/**
 * Offsets of consumer groups. What has to survive a pod is committed in Kafka itself, under names that belong to one restore; they are removed
 * when it ends. Only {@link moveGroups} and {@link moveBack} touch the workers' groups, which are empty then.
 */
import type { Admin, Kafka } from 'kafkajs'
import { busyGroup, commitGroupOffsets, committedOffsets, type GroupOffset } from '../../lib/kafka/group-offsets.ts'
import { whenSettled } from '../../lib/kafka/settled.ts'
import type { RestoreConfig } from './config.ts'
import { RestoreError } from './errors.ts'

/** Where a group will stand. */
export const stagedGroup = (group: string, uid: string): string => `${group}.restore-${uid.slice(0, 8)}`
/** Where a group stood before it was moved. */
export const savedGroup = (group: string, uid: string): string => `${group}.before-${uid.slice(0, 8)}`
/** Topics that are through. */
export const doneGroup = (uid: string): string => `todochatbot-restore-${uid.slice(0, 8)}.done`

/** The group of one worker with the names of the topics it consumes. */
export interface WorkerGroup {
  /** Kebab-case name of the worker. */
  readonly service: string
  readonly group: string
  readonly topics: readonly string[]
}

/** The groups of a configuration. */
export const workerGroups = ({ groups, topics }: RestoreConfig['kafka']): readonly WorkerGroup[] =>
  groups.map(({ service, group, aliases }) => ({
    service,
    group,
    topics: topics.filter(({ alias }) => aliases.includes(alias)).map(({ topic }) => topic),
  }))

/** The clients of one Kafka. */
export interface KafkaClients {
  readonly kafka: Kafka
  readonly admin: Admin
}

/** Commits offsets for a group without members; a broker that has just started is waited for. */
export const commit = (clients: KafkaClients, group: string, offsets: readonly GroupOffset[]): Promise<void> =>
  whenSettled(() => commitGroupOffsets(clients, group, offsets))

/** Waits until groups have no members. @throws RestoreError GroupInUse after `waitTimeout` ms */
export const whenEmpty = async (
  admin: Admin,
  groups: readonly WorkerGroup[],
  { waitTimeout, pause }: { readonly waitTimeout: number; readonly pause: (ms: number) => Promise<void> },
): Promise<void> => {
  const names = groups.map(({ group }) => group)
  const busy = await whenSettled(() => busyGroup(admin, names, { waitTimeout, pause: () => pause(500) }))
  if (busy === undefined) return
  const members = busy.members.map(({ clientId, clientHost }) => `${clientId} at ${clientHost}`).join(', ')
  throw new RestoreError('GroupInUse', `group ${busy.groupId} is ${busy.state}: ${members}`)
}

/** Notes where the groups stand, once, then puts them where they are to stand. */
export const moveGroups = async (clients: KafkaClients, groups: readonly WorkerGroup[], uid: string): Promise<void> => {
  for (const { group, topics } of groups) {
    const unsaved = await topicsWithout(clients.admin, savedGroup(group, uid), topics)
    await copy(clients, group, savedGroup(group, uid), unsaved)
    await copy(clients, stagedGroup(group, uid), group, topics)
  }
}

/** Puts moved groups back; those that were not moved stay. */
export const moveBack = async (clients: KafkaClients, groups: readonly WorkerGroup[], uid: string): Promise<void> => {
  for (const { group, topics } of groups) await copy(clients, savedGroup(group, uid), group, topics)
}

/** Removes what a restore committed under names of its own. */
export const forget = async (admin: Admin, groups: readonly WorkerGroup[], uid: string): Promise<void> => {
  const names = groups.flatMap(({ group }) => [stagedGroup(group, uid), savedGroup(group, uid)])
  const { groups: known } = await admin.listGroups()
  const present = [...names, doneGroup(uid)].filter((name) => known.some(({ groupId }) => groupId === name))
  if (present.length > 0) await whenSettled(() => admin.deleteGroups(present))
}

const topicsWithout = async (admin: Admin, group: string, topics: readonly string[]): Promise<readonly string[]> => {
  const missing: string[] = []
  for (const topic of topics) if ((await committedOffsets(admin, group, topic)).size === 0) missing.push(topic)
  return missing
}

const copy = async (clients: KafkaClients, from: string, to: string, topics: readonly string[]): Promise<void> => {
  const offsets: GroupOffset[] = []
  for (const topic of topics)
    for (const [partition, offset] of await committedOffsets(clients.admin, from, topic))
      offsets.push({ topic, partition, offset })
  await commit(clients, to, offsets)
}
