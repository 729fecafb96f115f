/**
 * What collects the evidence of one Incident: a Job that may read what it needs in its own namespace and nothing else, and the volume its
 * archive goes to. Everything but the volume belongs to the Incident. The Secrets that the system mounts are mounted here, too, so that the Job
 * can take their values out of what it finds; it may not ask the API server for any. Pure.
 */
import type { Incident } from '../api/v1alpha1/incident.ts'
import type { KubeObject } from '../api/v1alpha1/kubernetes.ts'
import { claimLabels, label, labelsFor } from '../api/v1alpha1/labels.ts'
import { names, workerNames } from '../api/v1alpha1/names.ts'
import { evidencePermissions } from '../api/v1alpha1/permissions.ts'
import { canonicalQuantity } from '../api/v1alpha1/quantities.ts'
import { workerFields, type WorkerField } from '../api/v1alpha1/schema/services.ts'
import { plural } from '../api/v1alpha1/todochatbot.ts'
import { consumerGroup } from './consumers.ts'
import { subscriptionsOf } from './dapr-subscriptions.ts'
import { ownerReference, versionOf, type Json } from './object.ts'
import { databaseReference, referencedSecrets } from './secret-references.ts'
import { topicName } from './topics.ts'
import { jobKafka } from './job-kafka.ts'
import { jobObjects } from './job-pod.ts'
import { podName } from './pod.ts'
import type { DesireInput } from './types.ts'

/** How long an Incident may take; what waits for it goes on then. ms */
export const incidentDeadline = 120_000

/** The Job is stopped before that, so that it still says what it has. Seconds. */
const jobDeadlineSeconds = 105

/** After this the Job closes its archive with what there is; the rest is for starting the pod. ms */
const collectingTimeout = 60_000

/** Bytes of one file and of all of them before compression: some 20 pods with 2 MiB per log. */
const limits = { fileBytes: 2 * 1024 * 1024, totalBytes: 48 * 1024 * 1024, timeout: collectingTimeout }

const directory = '/evidence'

/** What evidence is built from. */
export interface EvidenceInput extends DesireInput {
  readonly incident: Incident
}

/** Name of the archive in the volume; the uid keeps a namesake from overwriting it. */
export const archiveFile = ({ metadata }: Pick<Incident, 'metadata'>): string =>
  `${metadata.name}-${metadata.uid.slice(0, 8)}.tar.gz`

/**
 * The claim of a system. It has no owner, and so stays when the system goes, unless the policy says Delete. Size and class only count when it is
 * created; it is never deleted or resized.
 */
export const evidenceClaim = ({ bot }: Pick<DesireInput, 'bot'>): KubeObject => {
  const { name: system, namespace } = bot.metadata
  const { size, storageClassName, deletionPolicy } = bot.spec.evidence
  const { apiVersion, kind, name, uid } = ownerReference(bot)
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: names.evidenceClaim(system),
      namespace,
      labels: claimLabels(system, 'evidence'),
      ...(deletionPolicy === 'Delete' ? { ownerReferences: [{ apiVersion, kind, name, uid }] } : {}),
    },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: canonicalQuantity(size) } },
      ...(storageClassName === undefined ? {} : { storageClassName }),
    },
  }
}

const fieldOf = (worker: string): WorkerField =>
  workerFields.find((field) => workerNames[field] === worker) ?? workerFields[0]

/** Secrets the Job mounts: those the system mounts, and the login of its database. */
const secretNames = ({ bot }: DesireInput): readonly string[] => [
  ...new Set([databaseReference(bot).name, ...referencedSecrets(bot).map(({ name }) => name)]),
]

const kafkaOf = ({ bot }: DesireInput, field: WorkerField, deployment: string): Json => ({
  ...jobKafka(bot).connection,
  groupId: consumerGroup(bot.metadata.namespace, deployment),
  topics: subscriptionsOf[field].map((alias) => topicName(bot, alias)),
})

/** config.json of the Job. */
export const evidenceConfig = (input: EvidenceInput): Json => {
  const { bot, incident } = input
  const { name: system, namespace } = bot.metadata
  const { worker, trigger, reason, by } = incident.spec
  const field = fieldOf(worker)
  const deployment = names.worker(system, workerNames[field])
  return {
    service: `${system}-evidence`,
    system,
    version: versionOf(input),
    incident: {
      name: incident.metadata.name,
      uid: incident.metadata.uid,
      trigger,
      reason,
      ...(by === undefined ? {} : { by }),
    },
    namespace,
    worker,
    deployment,
    podSelector: `${label.instance}=${system},${label.name}=${worker}`,
    daprSelector: `${label.instance}=${system}`,
    kafka: kafkaOf(input, field, deployment),
    limits,
    archive: { directory, file: archiveFile(incident) },
  }
}

/** Everything the Incident owns, in the order of writing; each is created once and never changed. */
export const evidenceObjects = (input: EvidenceInput): readonly KubeObject[] => {
  const { bot, incident } = input
  const { name: system, namespace } = bot.metadata
  const name = names.evidence(incident.metadata.name)
  const labels = {
    ...labelsFor(system, 'evidence', 'evidence', versionOf(input)),
    [label.incident]: incident.metadata.name,
  }
  const rbac = 'rbac.authorization.k8s.io'
  const permission = (kind: string, body: Json): KubeObject => ({
    apiVersion: `${rbac}/v1`,
    kind,
    metadata: { name, namespace, labels },
    ...body,
  })
  const [account, config, job] = jobObjects(input, {
    name,
    labels,
    config: evidenceConfig(input),
    retries: 1,
    deadline: jobDeadlineSeconds,
    pod: {
      container: 'evidence',
      image: 'workers',
      command: ['node', '/app/evidence.mjs'],
      env: [podName],
      resources: { requests: { cpu: '10m', memory: '96Mi' }, limits: { memory: '256Mi' } },
      gracePeriod: 20,
      secrets: secretNames(input).map((secret) => ({ name: secret, optional: true })),
      volume: { name: 'evidence', claim: names.evidenceClaim(system), folder: directory },
      scratch: '16Mi',
      apiToken: true,
    },
  })
  return [
    account,
    permission('Role', {
      rules: evidencePermissions.map(({ apiGroups, resources, verbs }) => ({
        apiGroups,
        resources,
        verbs,
        ...(resources.includes(plural) ? { resourceNames: [system] } : {}),
      })),
    }),
    permission('RoleBinding', {
      roleRef: { apiGroup: rbac, kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    }),
    config,
    job,
  ]
}
