import { workerNames } from '../../../operator/src/api/v1alpha1/names.ts'
import { topicAliases } from '../../../operator/src/api/v1alpha1/schema/kafka.ts'
import type { TodoChatbotStatus } from '../../../operator/src/api/v1alpha1/schema/status.ts'

const at = '2026-01-05T10:00:00Z'
const conditions = [
  ...['Ready', 'Reconciling', 'Stalled', 'DatabaseReady', 'KafkaReady', 'TopicsReady', 'StateStoreReady'],
  ...['DaprReady', 'MigrationComplete', 'WorkersReady', 'UpToDate', 'Degraded', 'ScalingLimited'],
]

/** The status of a running system with everything in it that one has; a number in its conditions and figures differs from round to round. */
export const aStatus = (round: number): Partial<TodoChatbotStatus> => ({
  observedGeneration: 1,
  phase: 'Ready',
  summary: `Ready, for the ${round}th time`,
  version: '0.1.0',
  conditions: conditions.map((type, index) => ({
    type,
    status: (index + round) % 2 === 0 ? 'False' : 'True',
    reason: 'Measured',
    message: `todo-audit: ${round} of ${round} pods are ready`,
    lastTransitionTime: at,
    observedGeneration: 1,
  })),
  services: Object.values(workerNames).map((name) => ({
    name,
    desired: 1,
    ready: 1,
    updated: 1,
    restarts: 0,
    version: '0.1.0',
    image: 'docker.io/todochatbot/workers:0.1.0',
    sidecar: 'Loaded',
    since: at,
    config: { revision: '003084a1d8286d37', logLevel: 'info', confirmed: 1 },
    scaling: { by: 'Profile' },
    deadLetters: 0,
    lag: ['task-events', 'task-reminders'].map((topic) => ({ topic, lag: round })),
  })),
  topics: topicAliases.flatMap((alias) =>
    [alias, `${alias}.dlq`].map((name) => ({
      alias: name,
      name,
      partitions: 3,
      replicationFactor: 1,
      state: 'Ready' as const,
    })),
  ),
  components: ['todo-task-pubsub', 'todo-statestore'].map((name) => ({
    name,
    type: 'state.redis',
    loadedBy: ['todo-chat-api', 'todo-audit'],
    missingIn: [],
  })),
})
