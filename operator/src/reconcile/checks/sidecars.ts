/** components and subscriptions: what every daprd has loaded, beside what it should have. */
import type { DesiredObject } from '../../desired/types.ts'
import type { Observed } from '../todochatbot/assess.ts'
import { count, some } from './figures.ts'
import { found, judged, passed, type CheckFamily, type CheckSubject, type Outcome } from './check.ts'
import { isGrownUp, watchedWorkers } from './watched-workers.ts'

/** A topic an app has to be subscribed to. */
export interface ExpectedSubscription {
  readonly appId: string
  /** Name of the Subscription object. */
  readonly object: string
  readonly pubsub: string
  readonly topic: string
}

/** The subscriptions among desired objects. */
export function expectedSubscriptions(objects: readonly DesiredObject[]): ExpectedSubscription[] {
  return objects.flatMap(({ object }) => {
    if (object.kind !== 'Subscription' || !object.apiVersion.startsWith('dapr.io/')) return []
    const { pubsubname = '', topic = '' } = object['spec'] as { pubsubname?: string; topic?: string }
    const scopes = (object['scopes'] ?? []) as readonly string[]
    return scopes.map((appId) => ({ appId, object: object.metadata.name, pubsub: pubsubname, topic }))
  })
}

/** Judges the subscriptions. @param exists whether a Subscription object exists */
export function judgeSubscriptions(
  observed: Observed,
  expected: readonly ExpectedSubscription[],
  exists: (object: string) => boolean,
): Outcome {
  const name = 'subscriptions'
  const missing = expected
    .filter(({ object }) => !exists(object))
    .map(({ object }) => `Subscription/${object} does not exist`)
  let loaded = 0
  let unknown = 0
  for (const { appId, pods } of watchedWorkers(observed)) {
    const wanted = expected.filter((subscription) => subscription.appId === appId)
    if (wanted.length === 0) continue
    for (const pod of pods) {
      const report = observed.live.sidecars.get(pod.name)
      if (report?.state !== 'Answered') {
        unknown += 1
        continue
      }
      for (const { object, pubsub, topic } of wanted) {
        const has = report.answer.subscriptions.some((one) => one.pubsubname === pubsub && one.topic === topic)
        if (has) loaded += 1
        else if (isGrownUp(pod, observed.seen.now))
          missing.push(`daprd of Pod/${pod.name} has not loaded Subscription/${object} to ${topic}`)
      }
    }
  }
  const figure = count(loaded, 'subscription')
  if (missing.length > 0) return found(name, 'Failed', some(missing), figure)
  return unknown > 0 && loaded === 0 ? found(name, 'Unknown', 'no sidecar answered') : passed(name, figure)
}

/** Judges the components, from what the reconcile keeps in status.components. */
export function judgeComponents(observed: Observed): Outcome {
  const name = 'components'
  const missing: string[] = []
  let loaded = 0
  for (const { appId, pods } of watchedWorkers(observed)) {
    const wanted = observed.components.filter(({ scopes }) => scopes.includes(appId))
    for (const pod of pods.filter((one) => isGrownUp(one, observed.seen.now) || one.ready)) {
      if (!pod.containerNames.includes('daprd')) {
        missing.push(`Pod/${pod.name} has no sidecar`)
        continue
      }
      const report = observed.live.sidecars.get(pod.name)
      if (report?.state === 'Failed') missing.push(`daprd of Pod/${pod.name}: ${report.message}`)
      if (report?.state !== 'Answered') continue
      for (const component of wanted)
        if (report.answer.components.some((one) => one.name === component.name)) loaded += 1
        else missing.push(`daprd of Pod/${pod.name} has not loaded Component/${component.name}`)
    }
  }
  const figure = count(loaded, 'component')
  return missing.length > 0 ? found(name, 'Failed', some(missing), figure) : passed(name, figure)
}

/** The family. @param subscriptionExists by namespace and name */
export const sidecarChecks = (subscriptionExists: (ref: { namespace: string; name: string }) => boolean): CheckFamily =>
  judged(['subscriptions', 'components'], ({ observed, desired }: CheckSubject) => {
    const { namespace } = observed.seen.bot.metadata
    return [
      judgeSubscriptions(observed, expectedSubscriptions(desired), (name) => subscriptionExists({ namespace, name })),
      judgeComponents(observed),
    ]
  })
