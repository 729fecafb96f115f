import kafkajs from 'kafkajs'
import type { Kafka, KafkaConfig } from 'kafkajs'
import { readSecretFile } from '../secret-file.ts'
import type { KafkaConnection } from './config.ts'

/** How long a client waits for brokers, ms, and how often it tries again. */
export type KafkaPatience = Pick<KafkaConfig, 'connectionTimeout' | 'requestTimeout' | 'retry'>

/** Of a Job that has time: a broker may be starting. */
const patient: KafkaPatience = {
  connectionTimeout: 5_000,
  requestTimeout: 30_000,
  retry: { retries: 5, maxRetryTime: 10_000 },
}

/** A client for Jobs; nothing is connected yet. Credentials are read once. */
export const openKafka = async (
  { brokers, tls, sasl }: KafkaConnection,
  options: { readonly clientId: string; readonly secretsDirectory: string; readonly patience?: KafkaPatience },
): Promise<Kafka> => {
  const secret = (path: string): Promise<string> => readSecretFile(options.secretsDirectory, path)
  const ca = tls?.ca === undefined ? undefined : await secret(tls.ca)
  return new kafkajs.Kafka({
    clientId: options.clientId,
    brokers: [...brokers],
    ...(options.patience ?? patient),
    logLevel: kafkajs.logLevel.NOTHING,
    ...(tls === undefined ? {} : { ssl: ca === undefined ? true : { ca } }),
    ...(sasl === undefined
      ? {}
      : {
          sasl: {
            mechanism: sasl.mechanism,
            username: await secret(sasl.username),
            password: await secret(sasl.password),
          } as kafkajs.SASLOptions,
        }),
  })
}

/** An offset as a number while that is exact, which it is for the first 2^53 records of a partition. */
export const offsetOf = (text: string): number => {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`offset ${text} does not fit a JavaScript number`)
  return value
}
