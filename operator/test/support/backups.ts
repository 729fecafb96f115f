import type { BackupStatus } from '../../src/api/v1alpha1/backup.ts'
import { kinds } from '../../src/kube/kinds.ts'
import type { KubeObject } from '../../src/kube/object.ts'
import { getOr, until, type TestCluster } from './harness.ts'

/** What tests do with Backups of one namespace. */
export interface BackupWorld {
  readonly object: (name: string, spec?: object) => KubeObject
  /** As an admin does. */
  readonly apply: (name: string, spec?: object) => Promise<void>
  readonly statusOf: (name: string) => Promise<BackupStatus | undefined>
  /** Waits until it has ended. */
  readonly finished: (name: string) => Promise<BackupStatus>
  /** Waits until it says what it waits for, and resolves to the whole status. */
  readonly says: (name: string, words: string) => Promise<BackupStatus>
  readonly all: () => Promise<readonly KubeObject[]>
  /** Jobs that make backups. */
  readonly jobs: () => Promise<readonly KubeObject[]>
}

/** See {@link BackupWorld}. */
export function backupWorld(cluster: TestCluster, namespace: string): BackupWorld {
  const { client } = cluster
  const object = (name: string, spec: object = {}): KubeObject => ({
    apiVersion: 'todochatbot.dev/v1alpha1',
    kind: 'Backup',
    metadata: { name, namespace },
    spec: { system: 'todo', ...spec },
  })
  const statusOf = async (name: string): Promise<BackupStatus | undefined> =>
    (await getOr(client, kinds.Backup, { namespace, name }))?.['status'] as BackupStatus | undefined
  return {
    object,
    apply: async (name, spec) => {
      await client.apply(object(name, spec), { fieldManager: 'admin' })
    },
    statusOf,
    finished: (name) =>
      until(`${name} is finished`, async () => {
        const status = await statusOf(name)
        return status?.finishedAt === undefined ? undefined : status
      }),
    says: (name, words) =>
      until(`${name} says ${words}`, async () => {
        const status = await statusOf(name)
        return status?.summary?.includes(words) === true ? status : undefined
      }),
    all: async () => (await client.list(kinds.Backup, { namespace })).items,
    jobs: async () => (await client.list(kinds.Job, { namespace, labelSelector: 'todochatbot.dev/backup' })).items,
  }
}
