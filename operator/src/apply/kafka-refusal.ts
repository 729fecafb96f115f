/** Kafka's refusals, in contrast to no answer: a topic that is not there, an ACL, a partition without a leader. */
import kafkajs from 'kafkajs'

/** Kafka answered and said no. */
export class Refused {
  readonly message: string
  /** Kafka's name of the error, such as UNKNOWN_TOPIC_OR_PARTITION; empty where kafkajs does not tell. */
  readonly type: string
  constructor(error: Error & { readonly type?: string }) {
    this.message = error.message
    this.type = error.type ?? ''
  }
}

/**
 * A refusal as a value; anything else that goes wrong is thrown. kafkajs hides a refusal that it repeated in vain behind an error about the number
 * of tries.
 */
export async function refusable<T>(request: () => Promise<T>): Promise<T | Refused> {
  try {
    return await request()
  } catch (error) {
    const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error
    if (inner instanceof kafkajs.KafkaJSProtocolError) return new Refused(inner)
    throw error
  }
}

/** Whether Kafka says no to it. */
export const isRefused = async (request: () => Promise<unknown>): Promise<boolean> =>
  (await refusable(request)) instanceof Refused
