/**
 * The order in which a system comes up, as rules over what is ready. A closed gate holds its stage: objects in it are neither created nor
 * changed nor pruned (docs/adr/0004). So a dependency that goes down later never touches running workers. Pure.
 *
 *   Settings                         always open, also while paused: what running pods take over disrupts nothing
 *   Foundation, Dependencies         always open
 *   Dapr                             Dapr installed; the Secrets its components refer to (one missing Secret breaks every sidecar in scope)
 *   Migration                        database
 *   Consumers                        database, migration of this version, state store, Kafka, topics, Dapr
 *   all from Migration on            no Restore that holds the workers away
 *   ChatApi                          as Consumers; and for a first start or a new version, consumers ready
 */
import { stages, type Stage } from '../../desired/types.ts'
import { worst, type Finding } from '../errors.ts'

/** What the gates look at; undefined means ready. */
export interface Prerequisites {
  readonly database: Finding | undefined
  readonly migration: Finding | undefined
  readonly stateStore: Finding | undefined
  readonly kafka: Finding | undefined
  /** Topics exist; one that is merely larger than asked for is good enough. */
  readonly topics: Finding | undefined
  /** Dapr's kinds are installed. */
  readonly dapr: Finding | undefined
  /** External Secrets that Dapr's components refer to. */
  readonly secrets: Finding | undefined
  readonly consumers: Finding | undefined
  /** A Restore holds the workers away: nothing that starts or changes them is written. */
  readonly fence: Finding | undefined
  /** chat-api does not exist yet, or is about to change its version or image. */
  readonly chatApiIsNew: boolean
  /**
   * The whole edit is refused or frozen: every gate is closed, with this reason when there is one to name. `settings`: what does not disrupt
   * goes on.
   */
  readonly frozen: { readonly because: Finding | undefined; readonly settings: boolean } | undefined
}

/** Which stages may be written, and what holds the first one that may not. */
export interface Gates {
  readonly open: ReadonlySet<Stage>
  readonly held: { readonly stage: Stage; readonly by: Finding | undefined } | undefined
}

/** Judges every stage. */
export function gatesFor(seen: Prerequisites): Gates {
  if (seen.frozen !== undefined) {
    const open = new Set<Stage>(seen.frozen.settings ? ['Settings'] : [])
    return { open, held: { stage: 'Foundation', by: seen.frozen.because } }
  }
  const workers =
    seen.fence ?? worst([seen.database, seen.migration, seen.stateStore, seen.kafka, seen.topics, seen.dapr])
  const blockers: Readonly<Record<Stage, Finding | undefined>> = {
    Settings: undefined,
    Foundation: undefined,
    Dependencies: undefined,
    Dapr: seen.dapr ?? seen.secrets,
    Migration: seen.fence ?? seen.database,
    Consumers: workers,
    ChatApi: workers ?? (seen.chatApiIsNew ? seen.consumers : undefined),
  }
  const closed = stages.find((stage) => blockers[stage] !== undefined)
  return {
    open: new Set(stages.filter((stage) => blockers[stage] === undefined)),
    held: closed === undefined ? undefined : { stage: closed, by: blockers[closed] },
  }
}
