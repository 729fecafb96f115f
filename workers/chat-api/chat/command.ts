import type { Task } from '../../lib/task/task.ts'
import type { ReminderDraft } from './reminder-phrase.ts'

/** A new task as the message describes it; every date is already an instant. */
export interface AddCommand {
  readonly intent: 'add'
  readonly title: string
  readonly description: string
  readonly priority: Task['priority']
  readonly tags: readonly string[]
  /** RFC 3339 UTC, or null when no date was named. */
  readonly dueAt: string | null
  /** `dtstart` is the local time of the first instance. */
  readonly recurrence: {
    readonly rrule: string
    readonly anchor: 'due' | 'completion'
    readonly dtstart: string
  } | null
  readonly reminders: readonly ReminderDraft[]
}

/** How a message points at a task. Only `number` and `last` need the chat's memory. */
export type Reference =
  /** `#2`, "the second one": position in the last list, from 1. */
  | { readonly by: 'number'; readonly position: number }
  /** "the last one" of the last list. */
  | { readonly by: 'last' }
  /** "it", "that": the task the last answer was about. */
  | { readonly by: 'recent' }
  /** First 8 or more hexadecimal digits of the id. */
  | { readonly by: 'id'; readonly prefix: string }
  /** In quotes: the exact title, ignoring case. */
  | { readonly by: 'quote'; readonly title: string }
  /** Words of the title. */
  | { readonly by: 'words'; readonly words: string }
  /** "all", "everything": every open task. */
  | { readonly by: 'all' }

/** What to list. */
export interface ListCommand {
  readonly intent: 'list'
  readonly status: 'open' | 'completed' | 'all'
  /** Due within these instants, RFC 3339 UTC; `from` inclusive, `to` exclusive. */
  readonly due?: { readonly from?: string; readonly to?: string }
  readonly tag?: string
  readonly priority?: Task['priority']
  readonly words?: string
  /** How the reply names the filter: "due today". */
  readonly label: string
}

/** Verbs that act on tasks already there. */
export type TaskVerb = 'complete' | 'reopen' | 'delete'

/** Every message becomes exactly one of these. */
export type Command =
  | AddCommand
  | ListCommand
  | { readonly intent: TaskVerb; readonly references: readonly Reference[] }
  | { readonly intent: 'choose'; readonly position: number }
  | { readonly intent: 'confirm' }
  | { readonly intent: 'cancel' }
  | { readonly intent: 'help' }
  /** `about` is what was understood, if anything was; `question` is the reply. */
  | { readonly intent: 'unclear'; readonly about: 'add' | 'list' | TaskVerb | 'unknown'; readonly question: string }
