/** What a Job is told of Kafka. Pure. */
import type { BackupConfig } from '../../../workers/jobs/backup/config.ts'
import type { KafkaConnection } from '../../../workers/lib/kafka/config.ts'
import type { ResolvedTodoChatbot } from '../api/v1alpha1/defaults.ts'
import { workerNames } from '../api/v1alpha1/names.ts'
import { consumers } from './consumers.ts'
import { subscriptionsOf } from './dapr-subscriptions.ts'
import { mountedKey, secretFile, type MountedKey } from './job-secrets.ts'
import { kafkaCluster } from './kafka-cluster.ts'

/** kafkajs' names of the SASL mechanisms. */
const mechanisms = { PLAIN: 'plain', 'SCRAM-SHA-256': 'scram-sha-256', 'SCRAM-SHA-512': 'scram-sha-512' } as const

/** How a Job reaches the brokers, as workers/lib/kafka/config.ts reads it, and the keys it reads for that. */
export const jobKafka = (
  bot: Pick<ResolvedTodoChatbot, 'metadata' | 'spec'>,
): { readonly connection: KafkaConnection; readonly keys: readonly MountedKey[] } => {
  const { brokers, tls, sasl } = kafkaCluster(bot)
  const ca = tls?.ca === undefined ? undefined : mountedKey(tls.ca)
  const login = sasl && { username: mountedKey(sasl.username), password: mountedKey(sasl.password) }
  return {
    connection: {
      brokers: [...brokers],
      ...(tls === undefined ? {} : { tls: ca === undefined ? {} : { ca: secretFile(ca) } }),
      ...(sasl === undefined || login === undefined
        ? {}
        : {
            sasl: {
              mechanism: mechanisms[sasl.mechanism],
              username: secretFile(login.username),
              password: secretFile(login.password),
            },
          }),
    },
    keys: [...(ca === undefined ? [] : [ca]), ...(login === undefined ? [] : [login.username, login.password])],
  }
}

/** The consumer groups of a system with the topics they read, by alias. */
export const jobGroups = (bot: ResolvedTodoChatbot): BackupConfig['kafka']['groups'] =>
  consumers(bot).map(({ worker, group }) => ({
    group,
    service: workerNames[worker],
    aliases: [...subscriptionsOf[worker]],
  }))
