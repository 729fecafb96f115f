/** Events that show how the configuration of a worker is about to change. What they tell is true once the object they name is written. */
import { annotation } from '../../api/v1alpha1/labels.ts'
import { names, workerNames } from '../../api/v1alpha1/names.ts'
import { workerFields, type WorkerField } from '../../api/v1alpha1/schema/services.ts'
import type { KubeObject } from '../../kube/object.ts'
import type { EventInput } from '../../runtime/events.ts'
import { changesText, configChanges } from '../rollout/config-changes.ts'
import type { EventReason } from './events.ts'
import type { Informers } from './informers.ts'
import type { Seen } from './observe.ts'
import type { Rollouts } from './rollouts.ts'

/** An event, and the object whose write makes it true, as `Kind/name`. */
export interface ConfigurationEvent {
  readonly when: string
  readonly event: EventInput<EventReason>
}

/** Compares what is stored with what is about to be written. */
export function configurationEvents(
  { informers }: { readonly informers: Pick<Informers, 'ConfigMap' | 'Deployment'> },
  { bot }: Pick<Seen, 'bot'>,
  { objects, skip }: Pick<Rollouts, 'objects' | 'skip'>,
): readonly ConfigurationEvent[] {
  const { name: system, namespace } = bot.metadata
  const desired = (kind: string, name: string): KubeObject | undefined =>
    objects.find(({ object }) => object.kind === kind && object.metadata.name === name)?.object
  const stored = (name: string): KubeObject | undefined => {
    const packed = informers.ConfigMap.get({ namespace, name })
    return packed === undefined ? undefined : informers.ConfigMap.whole(packed)
  }
  const hot = (field: WorkerField): ConfigurationEvent | undefined => {
    const name = names.workerConfig(system, workerNames[field])
    const [before, after] = [informers.ConfigMap.get({ namespace, name }), desired('ConfigMap', name)]
    if (before === undefined || after === undefined || hashOf(before) === hashOf(after)) return undefined
    const changes = configChanges(
      withoutRevision(fileOf(stored(name), 'hot.json')),
      withoutRevision(fileOf(after, 'hot.json')),
    )
    return changed(field, `ConfigMap/${name}`, changes, 'taken over without a restart')
  }
  const cold = (field: WorkerField): ConfigurationEvent | undefined => {
    const name = names.worker(system, workerNames[field])
    const id = `Deployment/${name}`
    const [before, after] = [informers.Deployment.get({ namespace, name }), desired('Deployment', name)]
    const [old, now] = [
      before?.metadata.annotations?.[annotation.config],
      after?.metadata.annotations?.[annotation.config],
    ]
    if (skip.has(id) || old === undefined || now === undefined || old === now) return undefined
    const changes = configChanges(
      fileOf(stored(old), 'config.json'),
      fileOf(desired('ConfigMap', now) ?? stored(now), 'config.json'),
    )
    return changed(field, id, changes, 'takes effect with new pods')
  }
  return workerFields.flatMap((field) => [hot(field), cold(field)]).filter((event) => event !== undefined)
}

function changed(
  field: WorkerField,
  when: string,
  changes: readonly string[],
  how: string,
): ConfigurationEvent | undefined {
  if (changes.length === 0) return undefined
  const note = `${workerNames[field]}: ${changesText(changes)}; ${how}`
  return { when, event: { type: 'Normal', reason: 'ConfigurationChanged', action: 'Configure', note } }
}

const hashOf = ({ metadata }: KubeObject): string | undefined => metadata.annotations?.[annotation.hash]

function fileOf(configMap: KubeObject | undefined, file: string): unknown {
  const text = (configMap?.['data'] as Readonly<Record<string, string>> | undefined)?.[file]
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    // Edited by hand into something else: everything is a change then.
    return undefined
  }
}

const withoutRevision = (config: unknown): unknown =>
  typeof config === 'object' && config !== null ? { ...config, revision: undefined } : config
