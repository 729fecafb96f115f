/** A topic as it should be. `partitions` is a floor that only ever rises; `config` names just the keys we decide on. */
export interface TopicSpec {
  readonly name: string
  readonly partitions: number
  /** Used at creation only: changing it later is a reassignment, not an edit. */
  readonly replicationFactor: number
  /** Kafka's topic configuration, e.g. `retention.ms: "604800000"`. */
  readonly config: Readonly<Record<string, string>>
}

/** A topic as the brokers hold it. `config` holds the keys set on the topic itself, not what it inherits from the broker. */
export interface ActualTopic {
  readonly name: string
  readonly partitions: number
  readonly replicationFactor: number
  readonly config: Readonly<Record<string, string>>
}

/** What has to happen so that the brokers hold what is desired. A topic may appear in `grow` and in `configure`. */
export interface TopicPlan {
  readonly create: readonly TopicSpec[]
  /** `count` is the new total, as Kafka's CreatePartitions wants it. */
  readonly grow: readonly { readonly name: string; readonly count: number }[]
  /**
   * The complete configuration to write: AlterConfigs (KIP-133) replaces everything set on the topic, so keys that somebody else set are
   * carried over from what was read.
   */
  readonly configure: readonly { readonly name: string; readonly config: Readonly<Record<string, string>> }[]
  /** Fewer partitions are asked for than exist. Kafka cannot do that without losing records, so nothing about the count is changed. */
  readonly refused: readonly { readonly name: string; readonly desired: number; readonly actual: number }[]
}

/** Compares what is desired with what the brokers hold. Pure; topics in `actual` that nobody desires are left alone. */
export function planTopics(desired: readonly TopicSpec[], actual: ReadonlyMap<string, ActualTopic>): TopicPlan {
  const present = desired.flatMap((spec) => {
    const live = actual.get(spec.name)
    return live === undefined ? [] : [{ spec, live }]
  })
  return {
    create: desired.filter(({ name }) => !actual.has(name)),
    grow: present
      .filter(({ spec, live }) => spec.partitions > live.partitions)
      .map(({ spec }) => ({ name: spec.name, count: spec.partitions })),
    configure: present
      .filter(({ spec, live }) => Object.entries(spec.config).some(([key, value]) => live.config[key] !== value))
      .map(({ spec, live }) => ({ name: spec.name, config: { ...live.config, ...spec.config } })),
    refused: present
      .filter(({ spec, live }) => spec.partitions < live.partitions)
      .map(({ spec, live }) => ({ name: spec.name, desired: spec.partitions, actual: live.partitions })),
  }
}

/** True when the brokers already hold what is desired, or hold more partitions than desired. */
export function isSettled(plan: TopicPlan): boolean {
  return plan.create.length === 0 && plan.grow.length === 0 && plan.configure.length === 0
}
