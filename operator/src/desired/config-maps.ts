import { names, workerNames } from '../api/v1alpha1/names.ts'
import { workerFields } from '../api/v1alpha1/schema/services.ts'
import { owned, type Json } from './object.ts'
import type { Desire } from './types.ts'
import { coldConfig, hotConfig } from './worker-config.ts'

const file = (name: string, content: Json): Json => ({ data: { [name]: JSON.stringify(content, undefined, 2) } })

/**
 * Two ConfigMaps per worker, mounted as one directory. hot.json is changed in place and reaches running pods, whatever else is being waited
 * for. config.json is immutable and named after its content: changing it means another template, and going back to a template means going
 * back to its configuration (docs/adr/0025).
 */
export const configMaps: Desire = (input) =>
  workerFields.flatMap((field) => {
    const shared = { apiVersion: 'v1', kind: 'ConfigMap', app: workerNames[field], component: 'worker' } as const
    const cold = coldConfig(input, field)
    return [
      owned(input, {
        ...shared,
        name: names.workerConfig(input.bot.metadata.name, workerNames[field]),
        stage: 'Settings',
        body: file('hot.json', hotConfig(input, field)),
      }),
      owned(input, {
        ...shared,
        name: cold.name,
        stage: 'Foundation',
        body: { immutable: true, ...file('config.json', cold.content) },
      }),
    ]
  })
