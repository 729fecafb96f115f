/** Puts the routine checks together: their questions, what they may delete, and the watch that runs them. */
import type { LookupFunction } from 'node:net'
import { parseTodoChatbot } from './api/v1alpha1/parse.ts'
import type { TodoChatbot } from './api/v1alpha1/todochatbot.ts'
import type { WithKafkaAdmin } from './apply/kafka-admin.ts'
import type { KubeClient } from './kube/client.ts'
import { kinds } from './kube/kinds.ts'
import type { KubeObject } from './kube/object.ts'
import { destinationChecks } from './reconcile/backup/destination-check.ts'
import { askAudit } from './reconcile/checks/audit-worker.ts'
import { auditTrail } from './reconcile/checks/audit-trail.ts'
import { askCertificates, certificateChecks } from './reconcile/checks/certificates.ts'
import type { CheckFamily, CheckSubject } from './reconcile/checks/check.ts'
import { checkWatch, type CheckWatch } from './reconcile/checks/check-watch.ts'
import { cleanup } from './reconcile/checks/cleanup.ts'
import { controlPlaneChecks } from './reconcile/checks/dapr-control-plane.ts'
import { dependencyChecks } from './reconcile/checks/dependencies.ts'
import { databaseDiagnostics } from './reconcile/checks/diagnostics.ts'
import { kafkaChecks } from './reconcile/checks/kafka.ts'
import { networkPolicyChecks } from './reconcile/checks/network-policies.ts'
import { oldEvents } from './reconcile/checks/old-events.ts'
import { resourceUse } from './reconcile/checks/resource-use.ts'
import { secretAges } from './reconcile/checks/secret-ages.ts'
import { sidecarChecks } from './reconcile/checks/sidecars.ts'
import { storageCheck } from './reconcile/checks/storage.ts'
import { topicCensus } from './reconcile/checks/topic-census.ts'
import { databasePools } from './reconcile/checks/worker-database.ts'
import { workerHealth } from './reconcile/checks/worker-health.ts'
import { askVitals } from './reconcile/checks/worker-vitals.ts'
import type { Informers } from './reconcile/todochatbot/informers.ts'
import type { SecretReader } from './reconcile/todochatbot/secret-reader.ts'
import type { Informer } from './runtime/informer.ts'

/** What the checks are built from. */
export interface RoutineCheckParts {
  readonly client: KubeClient
  readonly informers: Informers
  readonly secrets: SecretReader
  /** Pods of the namespace Dapr is installed in; separate, because the operator may not be allowed to look there. */
  readonly daprPods: Informer
  readonly daprNamespace: string
  readonly withAdmin: WithKafkaAdmin
  readonly lookup: LookupFunction | undefined
  /** Our name in Events. */
  readonly controller: string
  readonly onChange: (key: string) => void
  readonly onRound: (key: string) => void
  /** What the clean-up deleted, as Kind/name. */
  readonly onDeleted: (subject: CheckSubject, objects: readonly string[]) => void
  /** ms within which all systems get their first round. */
  readonly spread: number
}

/** ms for one question to a pod; the audit trail and the database may take longer. */
const podDeadline = 3_000
const auditDeadline = 20_000

/** Entries of the audit trail that are read per part and round: about a second of work for the audit worker. */
const trailBudget = 20_000

/** Makes the watch. */
export function routineChecks(parts: RoutineCheckParts): CheckWatch {
  return checkWatch({
    families: familiesOf(parts),
    onChange: parts.onChange,
    onRound: parts.onRound,
    spread: parts.spread,
    retry: 60_000,
    deadline: 30_000,
    parallel: 4,
  })
}

function familiesOf(parts: RoutineCheckParts): readonly CheckFamily[] {
  const { client, informers, secrets, daprPods, daprNamespace, lookup } = parts
  const now = (): number => performance.now()
  const vitals = askVitals(podDeadline)
  const audit = askAudit((ref, key) => secrets.known(ref)?.value(key), auditDeadline)
  const events = oldEvents({ client, controller: parts.controller, period: 3_600_000, now })
  const census = topicCensus({ withAdmin: parts.withAdmin, systems: () => botsOf(informers), now })
  return [
    workerHealth(vitals),
    dependencyChecks,
    databaseDiagnostics(audit, vitals),
    databasePools(vitals),
    kafkaChecks,
    sidecarChecks((ref) => informers.Subscription.get(ref) !== undefined),
    controlPlaneChecks(() =>
      daprPods.synced
        ? { pods: daprPods.list() }
        : { problem: `the pods of namespace ${daprNamespace} cannot be seen` },
    ),
    certificateChecks(askCertificates(lookup, podDeadline), `dapr-sentry.${daprNamespace}.svc:443`),
    secretAges((ref) => secrets.get(ref)),
    storageCheck(audit),
    destinationChecks,
    resourceUse(client),
    networkPolicyChecks((ref) => policyExists(informers, ref)),
    auditTrail(audit, trailBudget),
    {
      ...cleanup({
        client,
        objects: (kind, namespace) => informers[kind].inNamespace(namespace),
        secretExists: async (owner, ref, signal) =>
          (await secrets.read(ref, { owner, token: '', maxAge: 6 * 3_600_000 }, signal)) !== undefined,
        topics: census.look,
        removeTopics: async (connection, names, signal) => {
          await parts.withAdmin(connection, (admin) => admin.remove(names), signal)
          census.changed(connection)
        },
        deleteEvents: events.deleteEvents,
        onDeleted: parts.onDeleted,
      }),
      forget: events.forget,
    },
  ]
}

function botsOf(informers: Informers): TodoChatbot[] {
  return informers.TodoChatbot.list().flatMap((object) => {
    const parsed = parseTodoChatbot(object)
    return parsed.ok ? [parsed.bot] : []
  })
}

/** NetworkPolicies are watched once something of a system is one. */
function policyExists(informers: Informers, ref: { namespace: string; name: string }): boolean {
  const policies = (
    informers as Readonly<Record<string, { get: (ref: object) => KubeObject | undefined } | undefined>>
  )['NetworkPolicy']
  return policies?.get(ref) !== undefined
}

/** What of a pod of Dapr is kept: whether it is Ready, and which service it is of. */
export const daprPodKind = { ...kinds.Pod, kind: 'DaprPod' } as const
