import { withDefaults } from '../api/v1alpha1/defaults.ts'
import type { TodoChatbot } from '../api/v1alpha1/todochatbot.ts'
import { configMaps } from './config-maps.ts'
import { daprComponents } from './dapr-components.ts'
import { daprConfiguration } from './dapr-configuration.ts'
import { daprResiliency } from './dapr-resiliency.ts'
import { daprSubscriptions } from './dapr-subscriptions.ts'
import { deployments } from './deployments.ts'
import { kafka } from './kafka.ts'
import { migration, migrationJobName as jobName } from './migration.ts'
import { withHash } from './object.ts'
import { postgresql } from './postgresql.ts'
import { redis } from './redis.ts'
import { secrets } from './secrets.ts'
import { serviceAccounts } from './service-accounts.ts'
import { services } from './services.ts'
import { stages } from './types.ts'
import type { Desire, DesiredObject, Facts } from './types.ts'

/** Everything a system owns. A new kind of object is one file and one line here. */
const concerns: readonly Desire[] = [
  serviceAccounts,
  secrets,
  configMaps,
  services,
  kafka,
  postgresql,
  redis,
  daprConfiguration,
  daprComponents,
  daprResiliency,
  daprSubscriptions,
  migration,
  deployments,
]

/**
 * Every object that must exist, in the order of the stages, each with namespace, labels, owner and the hash annotation. Pure: the same
 * resource and facts give the same objects. What is not in the list and belongs to this system must not exist.
 */
export const desire = (bot: TodoChatbot, facts: Facts): readonly DesiredObject[] => {
  const input = { bot: withDefaults(bot), facts }
  const objects = concerns.flatMap((concern) => concern(input)).map(withHash)
  return stages.flatMap((stage) => objects.filter((object) => object.stage === stage))
}

/** Name of the migration Job that has to be complete before the workers of this resource roll. */
export const migrationJobName = (bot: TodoChatbot, facts: Facts): string => jobName({ bot: withDefaults(bot), facts })

export { configProblems } from './config-problems.ts'
export { kafkaCluster } from './kafka-cluster.ts'
export { externalSecrets, referencedSecrets } from './secret-references.ts'
export { topicConflicts } from './topic-claims.ts'
export { desiredTopics } from './topics.ts'
