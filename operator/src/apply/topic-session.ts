import type { KafkaAdmin } from './kafka-admin.ts'
import { planTopics, type ActualTopic, type TopicSpec } from './topic-plan.ts'

/** What is known of one topic. */
export interface TopicResult {
  readonly name: string
  readonly state: 'Ready' | 'ShrinkRefused' | 'Failed'
  /** As the brokers hold it; 0 when the topic does not exist. */
  readonly partitions: number
  readonly replicationFactor: number
  readonly message?: string
}

/** Creates, grows and configures what differs, then reports what the brokers hold afterwards. */
export async function carryOut(
  admin: KafkaAdmin,
  specs: readonly TopicSpec[],
  did: (message: string, detail: object) => void,
): Promise<ReadonlyMap<string, TopicResult>> {
  const names = specs.map(({ name }) => name)
  const before = await admin.describe(names)
  const plan = planTopics(specs, before)
  const failures = new Map<string, string>()
  const note = (more: ReadonlyMap<string, string>): void => {
    for (const [name, message] of more) failures.set(name, message)
  }
  note(await admin.create(plan.create))
  note(await admin.grow(plan.grow))
  note(await admin.configure(plan.configure))
  const changes = { created: plan.create, grown: plan.grow, configured: plan.configure }
  for (const [verb, topics] of Object.entries(changes)) {
    if (topics.length > 0) did(`Topics ${verb}`, { topics: topics.map(({ name }) => name) })
  }
  const refused = new Map(plan.refused.map((refusal) => [refusal.name, refusal]))
  // Brokers learn of a change some time after the controller has answered, so what succeeded is believed until the next look.
  const after = new Map(before)
  for (const spec of plan.create) if (!failures.has(spec.name)) after.set(spec.name, spec)
  for (const { name, count } of plan.grow) {
    const live = after.get(name)
    if (live !== undefined && !failures.has(name)) after.set(name, { ...live, partitions: count })
  }
  return new Map(specs.map(({ name }) => [name, result(name, after.get(name), failures.get(name), refused.get(name))]))
}

function result(
  name: string,
  live: ActualTopic | undefined,
  failure: string | undefined,
  refusal: { readonly desired: number; readonly actual: number } | undefined,
): TopicResult {
  const held = { name, partitions: live?.partitions ?? 0, replicationFactor: live?.replicationFactor ?? 0 }
  if (failure !== undefined) return { ...held, state: 'Failed', message: failure }
  if (refusal !== undefined) {
    const message = `has ${refusal.actual} partitions, ${refusal.desired} are asked for; partitions only grow`
    return { ...held, state: 'ShrinkRefused', message }
  }
  return live === undefined
    ? { ...held, state: 'Failed', message: 'not there after it was created' }
    : { ...held, state: 'Ready' }
}
