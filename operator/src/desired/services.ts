import { dependencyPorts, names, workerNames, workerPorts } from '../api/v1alpha1/names.ts'
import { label, selectorFor } from '../api/v1alpha1/labels.ts'
import type { ComponentLabel } from '../api/v1alpha1/labels.ts'
import { workerFields } from '../api/v1alpha1/schema/services.ts'
import { embeddedDependencies } from './dependencies.ts'
import { owned } from './object.ts'
import type { Desire, DesiredObject, DesireInput } from './types.ts'

/** A label that no pod has: nobody is sent to an isolated worker, whatever its pods say of themselves. */
const nothing = { [label.isolated]: 'no-pod' }

const service = (
  input: DesireInput,
  draft: {
    name: string
    app: string
    component: ComponentLabel
    portName: string
    port: number
    isolated?: boolean
  },
): DesiredObject =>
  owned(input, {
    apiVersion: 'v1',
    kind: 'Service',
    name: draft.name,
    app: draft.app,
    component: draft.component,
    stage: 'Foundation',
    body: {
      spec: {
        type: 'ClusterIP',
        selector: {
          ...selectorFor(input.bot.metadata.name, draft.app),
          ...(draft.isolated === true ? nothing : {}),
        },
        ports: [{ name: draft.portName, port: draft.port, targetPort: draft.portName, protocol: 'TCP' }],
      },
    },
  })

/**
 * One Service per program. The dependencies get a virtual address instead of a headless Service: clients that cache DNS keep working when the
 * pod is replaced.
 */
export const services: Desire = (input) => {
  const system = input.bot.metadata.name
  return [
    ...workerFields.map((field) =>
      service(input, {
        name: names.worker(system, workerNames[field]),
        app: workerNames[field],
        component: 'worker',
        portName: 'http',
        port: workerPorts[field],
        isolated: input.facts.active.isolated?.[field]?.mode === 'Network',
      }),
    ),
    ...embeddedDependencies(input.bot).map((dependency) =>
      service(input, {
        name: names.dependency(system, dependency),
        app: dependency,
        component: 'dependency',
        portName: dependency,
        port: dependencyPorts[dependency],
      }),
    ),
  ]
}
