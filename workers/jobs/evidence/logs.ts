import type { ApiObject } from './kubernetes.ts'

/** One log to fetch. */
export interface LogSource {
  readonly pod: string
  readonly container: string
  /** The run before the last restart. */
  readonly previous: boolean
  /** In the archive. */
  readonly path: string
}

interface Container {
  readonly name: string
  readonly restartCount?: number
}

/** Logs of every container of these pods, init and ephemeral ones and sidecars included; of restarted ones the previous run, too. */
export const logsOf = (pods: readonly ApiObject[]): readonly LogSource[] =>
  pods.flatMap((pod) => {
    const name = pod.metadata.name
    const spec = (pod['spec'] ?? {}) as Record<string, readonly Container[] | undefined>
    const status = (pod['status'] ?? {}) as Record<string, readonly Container[] | undefined>
    const all = (from: typeof spec, suffix: string): readonly Container[] =>
      ['initContainers', 'containers', 'ephemeralContainers'].flatMap(
        (kind) => from[suffix === '' ? kind : kind.replace(/s$/, suffix)] ?? [],
      )
    const restarts = new Map(all(status, 'Statuses').map((container) => [container.name, container.restartCount ?? 0]))
    return all(spec, '').flatMap(({ name: container }): LogSource[] => {
      const log = { pod: name, container, path: `pods/${name}/logs/${container}.log` }
      const current: LogSource = { ...log, previous: false }
      if ((restarts.get(container) ?? 0) === 0) return [current]
      return [current, { ...log, previous: true, path: `pods/${name}/logs/${container}.previous.log` }]
    })
  })
