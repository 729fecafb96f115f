import { names, workerNames } from '../api/v1alpha1/names.ts'
import type { ComponentLabel } from '../api/v1alpha1/labels.ts'
import { workerFields } from '../api/v1alpha1/schema/services.ts'
import { embeddedDependencies } from './dependencies.ts'
import { owned } from './object.ts'
import type { Desire, DesiredObject, DesireInput } from './types.ts'

const account = (input: DesireInput, name: string, app: string, component: ComponentLabel): DesiredObject =>
  owned(input, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    name,
    app,
    component,
    stage: 'Foundation',
    body: { automountServiceAccountToken: false },
  })

/** One account per program, so that permissions can be told apart later; none carries a token. */
export const serviceAccounts: Desire = (input) => {
  const system = input.bot.metadata.name
  return [
    ...workerFields.map((field) =>
      account(input, names.worker(system, workerNames[field]), workerNames[field], 'worker'),
    ),
    ...embeddedDependencies(input.bot).map((dependency) =>
      account(input, names.dependency(system, dependency), dependency, 'dependency'),
    ),
    account(input, names.migration(system), 'migrate', 'migration'),
  ]
}
