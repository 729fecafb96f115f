import type { ResolvedTodoChatbot } from '../api/v1alpha1/defaults.ts'
import type { TodoChatbot } from '../api/v1alpha1/todochatbot.ts'
import { dependencyAddress } from './dependencies.ts'

/** One key of a Secret in the system's namespace. */
export interface SecretKey {
  readonly name: string
  readonly key: string
}

/** How to reach the brokers of a system; credentials by reference only. */
export interface KafkaCluster {
  readonly brokers: readonly string[]
  /** Present: TLS; without `ca` the public authorities decide. */
  readonly tls?: { readonly ca?: SecretKey }
  readonly sasl?: {
    readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
    readonly username: SecretKey
    readonly password: SecretKey
  }
}

/** The brokers of a system and how to log in there. */
export const kafkaCluster = ({
  metadata,
  spec,
}: Pick<TodoChatbot | ResolvedTodoChatbot, 'metadata' | 'spec'>): KafkaCluster => {
  const { kafka } = spec
  if (kafka.mode === 'Embedded') return { brokers: [dependencyAddress({ metadata }, 'kafka')] }
  const { bootstrapServers = [], tls, sasl } = kafka
  const ca = tls?.caSecretRef
  return {
    brokers: bootstrapServers,
    ...(tls?.enabled === true ? { tls: ca === undefined ? {} : { ca: { name: ca.name, key: ca.key } } } : {}),
    ...(sasl === undefined
      ? {}
      : {
          sasl: {
            mechanism: sasl.mechanism,
            username: { name: sasl.secretRef.name, key: sasl.secretRef.usernameKey },
            password: { name: sasl.secretRef.name, key: sasl.secretRef.passwordKey },
          },
        }),
  }
}
