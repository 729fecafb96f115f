import type { Logger } from '../lib/logger.ts'
import type { Database } from '../lib/postgres.ts'
import type { StateStore } from '../lib/state-store.ts'
import type { ChatApiSettings } from './config.ts'
import type { Authenticate } from './operation.ts'

/** What the routes are made of; main.ts fills it with the real parts, tests with a real database and a clock of their own. */
export interface ChatApiDependencies {
  readonly database: Database
  /** The Dapr state store, or undefined when the system has none: the chat then says that it cannot remember. */
  readonly stateStore: StateStore | undefined
  readonly settings: ChatApiSettings
  readonly logger: Logger
  /** Dapr app id; the source of events. */
  readonly producer: string
  /** Version shown in /openapi.json. */
  readonly version: string
  readonly authenticate: Authenticate
  /** A bearer token for the user. */
  readonly issueToken: (userId: string) => Promise<string>
  readonly now: () => Date
  readonly newId: () => string
}
