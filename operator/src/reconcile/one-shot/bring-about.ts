/** Makes what the Job of a one-shot resource needs, and the Job. Everything belongs to that resource and is never changed. */
import type { Applier } from '../../apply/kube.ts'
import type { Owner } from '../../apply/ownership.ts'
import type { KubeObject } from '../../kube/object.ts'
import { worst, type Finding } from '../errors.ts'
import { failureOf } from '../todochatbot/apply.ts'

/** One after the other, in the order given, so that once the last exists everything does. Returns what is in the way. */
export async function bringAbout(
  applier: Applier,
  resource: KubeObject,
  objects: readonly KubeObject[],
  signal: AbortSignal,
): Promise<Finding | undefined> {
  const owner: Owner = { ...resource, metadata: { ...resource.metadata, uid: resource.metadata.uid ?? '' } }
  for (const object of objects) {
    const results = await applier.applyObjects({ owner, items: [{ object, policy: 'CreateOnce' }], signal })
    const failures = results.flatMap((result) => (result.action === 'failed' ? [failureOf(result.error)] : []))
    if (failures.length > 0) return worst(failures)
  }
  return undefined
}
