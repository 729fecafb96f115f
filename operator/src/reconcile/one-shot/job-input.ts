import { withDefaults } from '../../api/v1alpha1/defaults.ts'
import type { TodoChatbot } from '../../api/v1alpha1/todochatbot.ts'
import type { DesireInput } from '../../desired/types.ts'
import { factsFrom } from '../todochatbot/observe.ts'

/** What the Job of a one-shot resource is built from: the system as its spec says, with nothing that is temporary or observed. */
export const jobInput = (bot: TodoChatbot, operator: Parameters<typeof factsFrom>[0]): DesireInput => ({
  bot: withDefaults(bot),
  facts: factsFrom(operator, new Map(), {
    active: { debug: [], boost: [] },
    scale: { live: {}, partitions: {}, keda: false },
  }),
})
