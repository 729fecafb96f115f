import type { ResourceKind } from '../../../operator/src/kube/kinds.ts'
import type { TestCluster } from './cluster.ts'
import { eventually } from './eventually.ts'

/** Makes one-shot resources (Backup, Restore, …) of one namespace and waits for their ends. */
export interface OneShots {
  /** Applies one through kubectl. */
  readonly make: (kind: ResourceKind, name: string, spec: object) => Promise<void>
  /** Waits until it is in a final phase, whichever that is. */
  readonly finished: <Status extends { readonly phase?: string | undefined }>(
    kind: ResourceKind,
    name: string,
  ) => Promise<Status>
}

const finalPhases: readonly (string | undefined)[] = ['Succeeded', 'PartiallySucceeded', 'Failed']

/** See {@link OneShots}. @param deadline ms in which one must end */
export const oneShotsIn = (cluster: TestCluster, namespace: string, deadline = 300_000): OneShots => ({
  make: async (kind, name, spec) => {
    const apiVersion = `${kind.group}/${kind.version}`
    const object = { apiVersion, kind: kind.kind, metadata: { name, namespace }, spec }
    await cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify(object) })
  },
  finished: <Status extends { readonly phase?: string | undefined }>(kind: ResourceKind, name: string) =>
    eventually(
      `${kind.kind}/${name} finished`,
      async () => {
        const found = await cluster.get(kind, { namespace, name })
        const status = found?.['status'] as Status | undefined
        if (status !== undefined && finalPhases.includes(status.phase)) return status
        throw new Error(JSON.stringify(status, null, 1))
      },
      deadline,
    ) as Promise<Status>,
})
