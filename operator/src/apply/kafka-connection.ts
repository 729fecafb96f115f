import { createHash } from 'node:crypto'

/** How to reach one Kafka cluster. Holds credentials: never log it, use {@link clusterId} to name it. */
export interface KafkaConnection {
  /** `host:port` of the bootstrap servers. */
  readonly brokers: readonly string[]
  /** Present: TLS. `ca` is PEM; without it the system's certificate authorities decide. */
  readonly tls?: { readonly ca?: string; readonly insecureSkipVerify?: boolean }
  readonly sasl?: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
    readonly username: string
    readonly password: string
  }
}

/**
 * Identity of a connection: the same brokers reached the same way. Credentials are part of it, as a digest, so that a corrected password
 * is tried at once and not when the old connection's backoff ends.
 */
export function clusterId(connection: KafkaConnection): string {
  const { tls, sasl } = connection
  const secret = createHash('sha256').update(JSON.stringify({ tls, sasl })).digest('hex').slice(0, 12)
  return `${brokerSet(connection.brokers)}#${secret}`
}

/** Bootstrap servers in canonical order: two resources that name the same set in another order mean the same cluster. */
export function brokerSet(brokers: readonly string[]): string {
  return [...new Set(brokers.map((broker) => broker.trim().toLowerCase()))].sort().join(',')
}
