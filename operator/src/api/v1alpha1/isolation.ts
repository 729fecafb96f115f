import type { WorkerField } from './schema/services.ts'
import type { Isolated, isolationModes } from './schema/temporary.ts'
import type { TodoChatbot } from './todochatbot.ts'

/** How a worker is isolated; see schema/temporary.ts. */
export type IsolationMode = (typeof isolationModes)[number]

/**
 * The isolation of a worker that the spec asks for at `now` (ms since the epoch): none without the field, and none when its end has passed. An
 * end that cannot be read as a time counts as passed; the API server accepts none.
 */
export const isolationAt = (
  { spec }: Pick<TodoChatbot, 'spec'>,
  worker: WorkerField,
  now: number,
): Isolated | undefined => {
  const { isolated } = spec.services[worker]
  return isolated !== undefined && now < Date.parse(isolated.until) ? isolated : undefined
}
