import { withDefaults, type ResolvedTodoChatbot } from '../api/v1alpha1/defaults.ts'
import { workerFields } from '../api/v1alpha1/schema/services.ts'
import type { TodoChatbot } from '../api/v1alpha1/todochatbot.ts'
import { autoscalers } from './autoscalers.ts'
import { configMaps } from './config-maps.ts'
import { deployments } from './deployments.ts'
import { kafka } from './kafka.ts'
import { migration, migrationJobName as jobName } from './migration.ts'
import { hashOf, withHash } from './object.ts'
import { networkPolicies } from './network-policies.ts'
import { podDisruptionBudgets } from './pod-disruption-budgets.ts'
import { postgresql } from './postgresql.ts'
import { redis } from './redis.ts'
import { decideReplicas } from './replicas.ts'
import { secrets } from './secrets.ts'
import { serviceAccounts } from './service-accounts.ts'
import { services } from './services.ts'
import { daprObjects } from './sidecar.ts'
import { stages } from './types.ts'
import type { Desire, DesiredObject, Facts } from './types.ts'

/** Everything a system owns. A new kind of object is one file and one line here. */
const concerns: readonly Desire[] = [
  serviceAccounts,
  secrets,
  configMaps,
  services,
  networkPolicies,
  kafka,
  postgresql,
  redis,
  daprObjects,
  migration,
  deployments,
  autoscalers,
  podDisruptionBudgets,
]

/**
 * What the builders see beside the spec: they get no status, random credentials go only into objects that carry no hash, and of the scale they
 * use what was decided, which stays the same while Deployments and topics appear for the first time.
 */
const identityOf = (bot: ResolvedTodoChatbot, facts: Facts): string => {
  const { name, namespace, uid, labels, annotations } = bot.metadata
  const scale = [facts.scale.keda, workerFields.map((field) => decideReplicas({ bot, facts }, field))]
  return JSON.stringify([name, namespace, uid, labels, annotations, { ...facts, credentials: undefined, scale }])
}

/** The hashes of the last list that was made for a spec: hashing is most of the work, and most reconciles find what they found before. */
const lastHashes = new WeakMap<
  object,
  { readonly identity: string; readonly hashes: readonly (string | undefined)[] }
>()

/**
 * Every object that must exist, in the order of the stages, each with namespace, labels, owner and the hash annotation. Pure: the same
 * resource and facts give the same objects. What is not in the list and belongs to this system must not exist.
 */
export const desire = ({ apiVersion, kind, metadata, spec }: TodoChatbot, facts: Facts): readonly DesiredObject[] => {
  const bot = withDefaults({ apiVersion, kind, metadata, spec })
  const identity = identityOf(bot, facts)
  const last = lastHashes.get(bot.spec)
  const known = last?.identity === identity ? last.hashes : []
  const input = { bot, facts }
  const objects = concerns.flatMap((concern) => concern(input)).map((object, index) => withHash(object, known[index]))
  if (known.length === 0) lastHashes.set(bot.spec, { identity, hashes: objects.map(hashOf) })
  return stages.flatMap((stage) => objects.filter((object) => object.stage === stage))
}

/** Of {@link desire}, the Secrets with generated credentials: pods carry the hash of what is in them, so they come before anything else. */
export const desireSecrets = (bot: TodoChatbot, facts: Facts): readonly DesiredObject[] =>
  secrets({ bot: withDefaults(bot), facts })

/** Name of the migration Job that has to be complete before the workers of this resource roll. */
export const migrationJobName = (bot: TodoChatbot, facts: Facts): string => jobName({ bot: withDefaults(bot), facts })

export { configProblems } from './config-problems.ts'
export { kafkaCluster } from './kafka-cluster.ts'
export { externalSecrets, referencedSecrets } from './secret-references.ts'
export { topicConflicts } from './topic-claims.ts'
export { desiredTopics } from './topics.ts'
