/** Reads what isolations depend on from informers; asks the API server for nothing. */
import { label } from '../../api/v1alpha1/labels.ts'
import { names, workerNames } from '../../api/v1alpha1/names.ts'
import { workerFields, type WorkerField } from '../../api/v1alpha1/schema/services.ts'
import type { TodoChatbot } from '../../api/v1alpha1/todochatbot.ts'
import type { IsolatedWorker } from '../../desired/types.ts'
import type { KubeObject } from '../../kube/object.ts'
import type { Informers } from '../todochatbot/informers.ts'
import { policiesThatAllow } from './foreign-policies.ts'
import { isolatedFacts, isolationsOf, type Isolations } from './isolations.ts'

/** The isolations of a system at `now`, ms since the epoch. */
export function lookAtIsolations(informers: Informers, bot: TodoChatbot, now: number): Isolations {
  const { name: system, namespace, uid } = bot.metadata
  const policies = (): readonly KubeObject[] =>
    informers.NetworkPolicy.inNamespace(namespace).map((policy) => informers.NetworkPolicy.whole(policy))
  return isolationsOf({
    bot,
    now,
    deployments: Object.fromEntries(
      workerFields.flatMap((worker) => {
        const live = informers.Deployment.get({ namespace, name: names.worker(system, workerNames[worker]) })
        return live === undefined ? [] : [[worker, live] as const]
      }),
    ),
    incidents: informers.Incident.inNamespace(namespace),
    allowedBy: (worker) => {
      // The labels of a running pod, which others may have added to.
      const [pod] = podsOf(informers, bot, worker)
      return pod === undefined ? [] : policiesThatAllow(policies(), pod.metadata.labels ?? {}, uid)
    },
  })
}

/** What desired state is told of them. */
export function isolatedNow(
  informers: Informers,
  bot: TodoChatbot,
  isolations: Isolations,
): Readonly<Partial<Record<WorkerField, IsolatedWorker>>> {
  const { name: system, namespace } = bot.metadata
  return isolatedFacts(
    isolations,
    (worker) =>
      podsOf(informers, bot, worker)
        .map(({ metadata: { name, uid = '' } }) => ({ name, uid }))
        .sort((a, b) => a.name.localeCompare(b.name)),
    (worker) =>
      informers.NetworkPolicy.get({ namespace, name: names.isolation(system, workerNames[worker]) }) !== undefined,
  )
}

function podsOf(informers: Informers, { metadata }: TodoChatbot, worker: WorkerField): readonly KubeObject[] {
  return informers.Pod.inNamespace(metadata.namespace).filter(
    ({ metadata: { labels } }) =>
      labels?.[label.instance] === metadata.name && labels[label.name] === workerNames[worker],
  )
}
