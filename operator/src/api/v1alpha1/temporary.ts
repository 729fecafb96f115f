import { workerFields, type WorkerField } from './schema/services.ts'
import type { TemporaryKind } from './schema/temporary.ts'
import type { TodoChatbot } from './todochatbot.ts'

/** A temporary setting of one worker. */
export interface Temporary {
  readonly worker: WorkerField
  readonly kind: TemporaryKind
  /** RFC 3339, as the spec says it. */
  readonly until: string
  readonly reason?: string
}

/** Temporary settings that are in force at `now` (ms since the epoch), in the order of the workers. They end by themselves. */
export const temporariesAt = ({ spec }: Pick<TodoChatbot, 'spec'>, now: number): readonly Temporary[] =>
  workerFields.flatMap((worker): readonly Temporary[] => {
    const { debugUntil, boost } = spec.services[worker]
    const all: readonly (Temporary | undefined)[] = [
      debugUntil === undefined ? undefined : { worker, kind: 'Debug', until: debugUntil },
      boost === undefined ? undefined : { worker, kind: 'Boost', until: boost.until, reason: boost.reason },
    ]
    return all.filter((one) => one !== undefined).filter(({ until }) => now < Date.parse(until))
  })

/** Workers by what is in force for them. */
export const activeSettings = (
  bot: Pick<TodoChatbot, 'spec'>,
  now: number,
): { readonly debug: readonly WorkerField[]; readonly boost: readonly WorkerField[] } => {
  const of = (wanted: TemporaryKind): readonly WorkerField[] =>
    temporariesAt(bot, now).flatMap(({ worker, kind }) => (kind === wanted ? [worker] : []))
  return { debug: of('Debug'), boost: of('Boost') }
}

/** When the next of them ends, in ms since the epoch; undefined when none is in force. */
export const nextEnd = (bot: Pick<TodoChatbot, 'spec'>, now: number): number | undefined => {
  const ends = temporariesAt(bot, now).map(({ until }) => Date.parse(until))
  return ends.length === 0 ? undefined : Math.min(...ends)
}
