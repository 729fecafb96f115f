import { kinds } from '../../../operator/src/kube/kinds.ts'
import type { TestCluster } from './cluster.ts'
import { eventually } from './eventually.ts'

/**
 * Loses the volume of a StatefulSet's only pod, as when a disk breaks: claim and pod are deleted, and the pod that follows finds an empty one.
 * Returns when it is Ready.
 */
export async function loseVolume(cluster: TestCluster, namespace: string, statefulSet: string): Promise<void> {
  const pod = { namespace, name: `${statefulSet}-0` }
  const before = await cluster.get(kinds.Pod, pod)
  const volumes = (before?.['spec'] as { volumes?: { persistentVolumeClaim?: { claimName: string } }[] }).volumes ?? []
  const claims = volumes.flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? [])
  const lost = await Promise.all(claims.map((name) => cluster.get(kinds.PersistentVolumeClaim, { namespace, name })))
  await cluster.kubectl(['delete', 'pvc', '-n', namespace, '--wait=false', ...claims])
  await cluster.kubectl(['delete', 'pod', '-n', namespace, pod.name, '--grace-period=1'])
  await eventually(
    `${pod.name} is Ready with other volumes than before`,
    async () => {
      for (const claim of lost) {
        const name = claim?.metadata.name ?? ''
        const now = await cluster.get(kinds.PersistentVolumeClaim, { namespace, name })
        if (now === undefined || now.metadata.uid === claim?.metadata.uid) throw new Error(`${name} is not another one`)
      }
      const status = (await cluster.get(kinds.Pod, pod))?.['status'] as
        { conditions?: { type: string; status: string }[] } | undefined
      if (status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') !== true)
        throw new Error(JSON.stringify(status))
      return true
    },
    120_000,
  )
}
