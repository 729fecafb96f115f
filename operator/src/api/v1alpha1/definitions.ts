import { backupDefinition } from './backup-definition.ts'
import type { Definition } from './crd.ts'
import { incidentDefinition } from './incident-definition.ts'
import { restoreDefinition } from './restore-definition.ts'
import { replayDefinition } from './replay-definition.ts'
import { todoChatbotDefinition } from './todochatbot-definition.ts'

/** Every kind of this operator; the CRDs, the chart and docs/api.md are generated from this list. */
export const definitions: readonly Definition[] = [
  todoChatbotDefinition,
  incidentDefinition,
  backupDefinition,
  restoreDefinition,
  replayDefinition,
]
