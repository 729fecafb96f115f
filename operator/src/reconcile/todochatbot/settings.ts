/** The settings that running pods take over: what they are, and which pods say they are in force. Pure. */
import { workerNames } from '../../api/v1alpha1/names.ts'
import { label } from '../../api/v1alpha1/labels.ts'
import { workerFields, type WorkerField } from '../../api/v1alpha1/schema/services.ts'
import type { ServiceStatus } from '../../api/v1alpha1/schema/status.ts'
import type { DesiredObject } from '../../desired/types.ts'
import type { PodView } from './views.ts'
import type { HealthReport } from './worker-health.ts'

/** The head of a hot.json. */
export interface HotSettings {
  readonly revision: string
  readonly logLevel: string
}

/** hot.json of every worker among desired objects. */
export function hotSettings(objects: readonly DesiredObject[]): Readonly<Partial<Record<WorkerField, HotSettings>>> {
  return Object.fromEntries(
    objects
      .filter(({ stage, object }) => stage === 'Settings' && object.kind === 'ConfigMap')
      .flatMap(({ object }) => {
        const field = workerFields.find((one) => workerNames[one] === object.metadata.labels?.[label.name])
        const text = (object['data'] as Readonly<Record<string, string>> | undefined)?.['hot.json']
        return field === undefined || text === undefined ? [] : [[field, JSON.parse(text) as HotSettings] as const]
      }),
  )
}

/** `services[].config` of one worker. */
export function settingsStatus(
  { revision, logLevel }: HotSettings,
  pods: readonly PodView[],
  health: ReadonlyMap<string, HealthReport>,
): NonNullable<ServiceStatus['config']> {
  const told = pods.flatMap(({ name, terminating }) => {
    const report = terminating ? undefined : health.get(name)
    return report?.state === 'Answered' ? [{ pod: name, config: report.answer.config }] : []
  })
  const refused = told.find(({ config }) => config.problem !== undefined)
  return {
    revision,
    logLevel,
    confirmed: told.filter(({ config }) => config.revision === revision).length,
    ...(refused === undefined ? {} : { message: `Pod/${refused.pod}: ${refused.config.problem ?? ''}`.slice(0, 4096) }),
  }
}
