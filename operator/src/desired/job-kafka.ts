import type { ResolvedTodoChatbot } from '../api/v1alpha1/defaults.ts'
import { kafkaCluster, type SecretKey } from './kafka-cluster.ts'
import type { Json } from './object.ts'

/** kafkajs' names of the SASL mechanisms. */
const mechanisms = { PLAIN: 'plain', 'SCRAM-SHA-256': 'scram-sha-256', 'SCRAM-SHA-512': 'scram-sha-512' } as const

const fileOf = ({ name, key }: SecretKey): string => `${name}/${key}`

/** How a Job reaches the brokers, as workers/lib/kafka/config.ts reads it: each Secret is a folder below the secrets directory. */
export const jobKafka = (bot: Pick<ResolvedTodoChatbot, 'metadata' | 'spec'>): Json => {
  const { brokers, tls, sasl } = kafkaCluster(bot)
  return {
    brokers,
    ...(tls === undefined ? {} : { tls: tls.ca === undefined ? {} : { ca: fileOf(tls.ca) } }),
    ...(sasl === undefined
      ? {}
      : {
          sasl: {
            mechanism: mechanisms[sasl.mechanism],
            username: fileOf(sasl.username),
            password: fileOf(sasl.password),
          },
        }),
  }
}
