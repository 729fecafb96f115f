/**
 * What a bench edits in a resource, and where each edit has to show: a model of its own, so that what the operator made of an
 * edit is judged by the objects in the API server and not by the operator's code.
 */
import type { KubeObject } from '../../../operator/src/kube/object.ts'
import type { SystemName } from '../operator/resources.ts'

/** The fields that are edited, with their present values. */
export interface Settings {
  readonly replicas: number
  readonly logLevel: string
  readonly batchSize: number
  readonly poolMax: number
  readonly restartedAt: string
}

/** What every system starts with. */
export const firstSettings: Settings = {
  replicas: 1,
  logLevel: 'info',
  batchSize: 100,
  poolMax: 10,
  restartedAt: '2026-01-01T00:00:00Z',
}

/** `spec` of a merge patch, or of a new resource, that asks for these settings. */
export function specOf({ replicas, logLevel, batchSize, poolMax, restartedAt }: Settings): object {
  return {
    database: { pool: { min: 1, max: poolMax } },
    services: {
      chatApi: { replicas },
      recurringTask: { restartedAt },
      notification: { config: { batchSize } },
      audit: { logLevel },
    },
  }
}

const logLevels = ['debug', 'info', 'warn', 'error']

/** Settings that differ from the given ones in one field. @param random as Math.random */
export function edited(settings: Settings, random: () => number): Settings {
  const below = (count: number): number => Math.floor(random() * count)
  const other = <T>(values: readonly T[], present: T): T => {
    const others = values.filter((value) => value !== present)
    return others[below(others.length)] ?? present
  }
  const edits: readonly (() => Partial<Settings>)[] = [
    () => ({ replicas: other([1, 2, 3], settings.replicas) }),
    () => ({ logLevel: other(logLevels, settings.logLevel) }),
    () => ({ batchSize: other([50, 100, 200, 400], settings.batchSize) }),
    () => ({ poolMax: other([10, 12, 14, 16], settings.poolMax) }),
    () => ({ restartedAt: new Date(Date.parse(settings.restartedAt) + 60_000).toISOString() }),
  ]
  return { ...settings, ...edits[below(edits.length)]?.() }
}

/** What of the settings the objects of a system do not show; empty when all of it is in effect. @param find by kind and name */
export function missing(
  { name }: SystemName,
  settings: Settings,
  find: (kind: 'Deployment' | 'ConfigMap', name: string) => KubeObject | undefined,
): readonly string[] {
  const chatApi = find('Deployment', `${name}-chat-api`)?.['spec'] as { replicas?: number } | undefined
  const recurring = find('Deployment', `${name}-recurring-task`)?.['spec']
  /** What a worker reads: the JSON files of every ConfigMap its pods mount, put together. */
  const config = (worker: string): WorkerConfig => {
    const template = JSON.stringify(find('Deployment', `${name}-${worker}`)?.['spec'] ?? {})
    const maps = [...template.matchAll(/"configMap":\{[^}]*"name":"([^"]+)"/g)].map(([, map = '']) => map)
    const files = maps.flatMap((map) =>
      Object.values((find('ConfigMap', map)?.['data'] ?? {}) as Record<string, string>),
    )
    return Object.assign({}, ...files.map((text) => JSON.parse(text) as object)) as WorkerConfig
  }
  const shown: Readonly<Record<keyof Settings, boolean>> = {
    replicas: chatApi?.replicas === settings.replicas,
    logLevel: config('audit').logLevel === settings.logLevel,
    batchSize: config('notification').settings?.['batchSize'] === settings.batchSize,
    poolMax: config('chat-api').database?.pool?.max === settings.poolMax,
    restartedAt: JSON.stringify(recurring ?? {}).includes(settings.restartedAt),
  }
  return Object.entries(shown).flatMap(([field, holds]) => (holds ? [] : [field]))
}

interface WorkerConfig {
  readonly logLevel?: string
  readonly database?: { readonly pool?: { readonly max?: number } }
  readonly settings?: Readonly<Record<string, unknown>>
}
