import { Gauge, type Registry } from 'prom-client'
import { parseBackup, type Backup } from '../../api/v1alpha1/backup.ts'
import type { TodoChatbotStatus } from '../../api/v1alpha1/schema/status.ts'
import type { KubeObject } from '../../kube/object.ts'

/** What {@link backupMetrics} reads; both empty while another process leads. */
export interface BackupMetricsOptions {
  readonly registry: Registry
  readonly systems: () => readonly KubeObject[]
  readonly backups: () => readonly KubeObject[]
}

/**
 * Registers what Backups and statuses say as metrics, read when somebody scrapes. The names follow velero's (`velero_backup_last_status`), so that
 * alerts can be taken over. Times are Unix time in seconds.
 */
export function backupMetrics({ registry, systems, backups }: BackupMetricsOptions): void {
  type Labels = Readonly<Record<string, string>>
  const gauge = (
    name: string,
    help: string,
    labelNames: readonly string[],
    read: (set: (labels: Labels, value: number | undefined) => void) => void,
  ): void => {
    new Gauge({
      name: `todochatbot_${name}`,
      help,
      labelNames: [...labelNames],
      registers: [registry],
      collect() {
        this.reset()
        read((labels, value) => {
          if (value !== undefined && Number.isFinite(value)) this.set(labels, value)
        })
      },
    })
  }
  const perSystem = (
    name: string,
    help: string,
    value: (status: NonNullable<TodoChatbotStatus['backup']>, newest: Backup | undefined) => number | undefined,
  ): void =>
    gauge(name, help, ['namespace', 'name'], (set) => {
      const newest = newestFinished(backups())
      for (const { metadata, status } of systems()) {
        const { name: system, namespace = '' } = metadata
        const { backup } = (status ?? {}) as Partial<TodoChatbotStatus>
        if (backup !== undefined) set({ namespace, name: system }, value(backup, newest.get(`${namespace}/${system}`)))
      }
    })
  perSystem('backup_last_successful_timestamp', 'Moment the newest usable backup shows.', ({ last }) =>
    seconds(last?.at),
  )
  perSystem('backup_last_status', 'Whether the newest backup that ended can be restored: 1 or 0.', (_status, newest) =>
    newest === undefined ? undefined : newest.status?.phase === 'Failed' ? 0 : 1,
  )
  perSystem('backup_duration_seconds', 'How long the newest backup took, waiting included.', (_status, newest) => {
    const { startedAt, finishedAt } = newest?.status ?? {}
    const [from, to] = [seconds(startedAt), seconds(finishedAt)]
    return from === undefined || to === undefined ? undefined : to - from
  })
  perSystem('backup_size_bytes', 'Size of the newest usable backup.', ({ last }) => last?.bytes)
  perSystem('backup_next_timestamp', 'When the schedule makes the next backup.', ({ next }) => seconds(next))
  perSystem(
    'backup_last_verified_restore_timestamp',
    'When a restore last proved a backup.',
    ({ lastVerifiedRestore }) => seconds(lastVerifiedRestore?.at),
  )
  perSystem('backup_destination_available', 'Whether the last check of the destination passed: 1 or 0.', ({ check }) =>
    check === undefined ? undefined : check.ok ? 1 : 0,
  )
  perSystem('backup_drill_next_timestamp', 'When the schedule makes the next drill.', ({ drill }) =>
    seconds(drill?.next),
  )
  perSystem('backup_drill_last_status', 'Whether the newest drill proved its backup: 1 or 0.', (status) =>
    status.drill?.lastFailed !== undefined ? 0 : status.lastVerifiedRestore === undefined ? undefined : 1,
  )
  perSystem(
    'backup_measured_rpo_seconds',
    'Time between the last two cuts, or the age of the newest when a restore of it began, whichever is longer.',
    ({ measuredRPO }) => measuredRPO,
  )
  perSystem('backup_measured_rto_seconds', 'How long the last verified restore took.', ({ measuredRTO }) => measuredRTO)
  gauge('backups', 'Backup resources by phase.', ['namespace', 'name', 'phase'], (set) => {
    const counts = Map.groupBy(parsed(backups()), ({ metadata, spec, status }) =>
      [metadata.namespace, spec.system, status?.phase ?? 'Pending'].join('/'),
    )
    for (const [key, { length }] of counts) {
      const [namespace = '', name = '', phase = ''] = key.split('/')
      set({ namespace, name, phase }, length)
    }
  })
}

const seconds = (time: string | undefined): number | undefined =>
  time === undefined ? undefined : Date.parse(time) / 1000

const parsed = (objects: readonly KubeObject[]): readonly Backup[] =>
  objects.flatMap((object) => {
    const result = parseBackup(object)
    return 'problems' in result ? [] : [result.resource]
  })

/** By `namespace/system`. */
function newestFinished(objects: readonly KubeObject[]): ReadonlyMap<string, Backup> {
  const newest = new Map<string, Backup>()
  for (const backup of parsed(objects)) {
    const key = `${backup.metadata.namespace}/${backup.spec.system}`
    const { finishedAt } = backup.status ?? {}
    if (finishedAt !== undefined && finishedAt > (newest.get(key)?.status?.finishedAt ?? '')) newest.set(key, backup)
  }
  return newest
}
