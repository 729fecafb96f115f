import { expect, test } from 'vitest'
import { autoscalerProblem, scaledObjectProblem } from './views.ts'

const scaling = (...conditions: readonly object[]) => ({
  apiVersion: 'keda.sh/v1alpha1',
  kind: 'ScaledObject',
  metadata: { name: 'todo-audit', namespace: 'todo-app' },
  status: { conditions },
})
const message = 'failed to ensure HPA is correctly created: kafka: client has run out of available brokers'

test.each([
  ['that says why it is not ready', scaledObjectProblem, scaling({ type: 'Ready', status: 'False', message }), message],
  [
    'that gives a reason only',
    scaledObjectProblem,
    scaling({ type: 'Ready', status: 'False', reason: 'Failed' }),
    'Failed',
  ],
  ['that is ready', scaledObjectProblem, scaling({ type: 'Ready', status: 'True', message }), undefined],
  ['that has not said yet', scaledObjectProblem, scaling({ type: 'Ready', status: 'Unknown', message }), undefined],
  ['that nobody has looked at', scaledObjectProblem, { ...scaling(), status: undefined }, undefined],
  [
    'of Kubernetes that gets no figures',
    autoscalerProblem,
    scaling({ type: 'ScalingActive', status: 'False', message: 'no metrics returned' }),
    'no metrics returned',
  ],
  [
    'of Kubernetes that is at its bounds',
    autoscalerProblem,
    scaling({ type: 'ScalingActive', status: 'True' }, { type: 'ScalingLimited', status: 'True', message }),
    undefined,
  ],
])('an autoscaler %s', (_, problemOf, autoscaler, says) => {
  expect(problemOf(autoscaler)).toBe(says)
})
