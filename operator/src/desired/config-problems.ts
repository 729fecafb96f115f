import type { z } from 'zod'
import { memoByIdentity } from '../api/v1alpha1/memo.ts'
import { problemsOf } from '../api/v1alpha1/problems.ts'
import type { SpecProblem } from '../api/v1alpha1/problems.ts'
import { workerFields } from '../api/v1alpha1/schema/services.ts'
import type { WorkerField } from '../api/v1alpha1/schema/services.ts'
import type { TodoChatbot } from '../api/v1alpha1/todochatbot.ts'
import { auditSettingsSchema } from '../../../workers/audit/config.ts'
import { chatApiSettingsSchema } from '../../../workers/chat-api/config.ts'
import { notificationSettingsSchema } from '../../../workers/notification/config.ts'
import { recurringTaskSettingsSchema } from '../../../workers/recurring-task/config.ts'

/** The workers' own schemas of their settings, which also generate the tables of docs/api.md. */
export const settingsSchemas: Readonly<Record<WorkerField, z.ZodType>> = {
  audit: auditSettingsSchema,
  chatApi: chatApiSettingsSchema,
  recurringTask: recurringTaskSettingsSchema,
  notification: notificationSettingsSchema,
}

/**
 * What the workers' own schemas say about `spec.services.<worker>.config`. As long as there is a problem nothing is applied (condition
 * ConfigValid), so a setting that a worker would refuse at start never reaches a running pod.
 */
export const configProblems = ({ spec }: Pick<TodoChatbot, 'spec'>): readonly SpecProblem[] => problemsOfConfig(spec)

const problemsOfConfig = memoByIdentity((spec: TodoChatbot['spec']): readonly SpecProblem[] =>
  workerFields.flatMap((field) => {
    const parsed = settingsSchemas[field].safeParse(spec.services[field].config ?? {})
    return parsed.success ? [] : problemsOf(parsed.error, `spec.services.${field}.config`)
  }),
)
