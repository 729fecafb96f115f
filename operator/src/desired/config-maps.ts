import { names, workerNames } from '../api/v1alpha1/names.ts'
import { workerFields } from '../api/v1alpha1/schema/services.ts'
import { owned } from './object.ts'
import type { Desire } from './types.ts'
import { workerConfig } from './worker-config.ts'

/**
 * config.json of every worker. They are mounted as directories, so that a changed log level reaches the running processes; they belong to
 * the first stage, so that it does so whatever else is being waited for.
 */
export const configMaps: Desire = (input) =>
  workerFields.map((field) =>
    owned(input, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      name: names.workerConfig(input.bot.metadata.name, workerNames[field]),
      app: workerNames[field],
      component: 'worker',
      stage: 'Foundation',
      body: { data: { 'config.json': JSON.stringify(workerConfig(input, field), undefined, 2) } },
    }),
  )
