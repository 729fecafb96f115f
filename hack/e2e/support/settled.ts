import { eventually } from './eventually.ts'
import type { System } from './system.ts'

/**
 * Waits until nobody has written to the resource of a system for `quiet` ms. Figures of its start still come in when Ready turns True: a consumer
 * knows its first offset once it has taken its first event, and Kafka is looked at again some seconds later. @throws Error after `deadline` ms
 */
export const settled = async (system: System, quiet: number, deadline = 180_000): Promise<void> => {
  let version: string | undefined
  let since = performance.now()
  await eventually(
    'the resource at rest',
    async () => {
      const found = (await system.resource())?.metadata.resourceVersion
      if (found !== version) since = performance.now()
      version = found
      return performance.now() - since > quiet
    },
    deadline,
  )
}
