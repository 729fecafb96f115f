import { describe, expect, test } from 'vitest'
import { aTodoChatbot } from '../../test/support/builders.ts'
import { auditConfigSchema } from '../../../workers/audit/config.ts'
import { chatApiConfigSchema } from '../../../workers/chat-api/config.ts'
import { migrateConfigSchema } from '../../../workers/jobs/migrate/config.ts'
import { notificationConfigSchema } from '../../../workers/notification/config.ts'
import { recurringTaskConfigSchema } from '../../../workers/recurring-task/config.ts'
import { someFacts, find, externalSpec } from '../../test/support/builders.ts'
import type { TodoChatbotSpecInput } from '../api/v1alpha1/todochatbot.ts'
import { configProblems } from './config-problems.ts'
import { desire } from './index.ts'

const file = (spec: TodoChatbotSpecInput, name: string): unknown => {
  const { data } = find(desire(aTodoChatbot(spec), someFacts()), 'ConfigMap', `todo-${name}-config`) as unknown as {
    data: Record<string, string>
  }
  return JSON.parse(data['config.json'] ?? '')
}

describe('the configuration files are what the programs read', () => {
  const spec: TodoChatbotSpecInput = {
    profile: 'Production',
    database: { statementTimeout: '3s', slowQueryThreshold: '1s' },
    kafka: { topicPrefix: 'a.' },
    dapr: { tracing: { endpoint: 'http://collector:4318', samplingRate: '0.5' } },
    services: { chatApi: { logLevel: 'warn', config: { bodyLimit: 2048 } } },
  }

  test.each([
    ['audit', auditConfigSchema],
    ['recurring-task', recurringTaskConfigSchema],
    ['notification', notificationConfigSchema],
    ['chat-api', chatApiConfigSchema],
  ])('%s', (name, schema) => {
    expect(schema.parse(file(spec, name))).toMatchObject({
      service: `todo-${name}`,
      system: 'todo',
      version: '0.1.0',
      dapr: { httpPort: 3500, pubsub: 'todo-task-pubsub' },
      topics: { taskEvents: 'a.task-events', taskReminders: 'a.task-reminders', taskUpdates: 'a.task-updates' },
      database: { pool: { min: 2, max: 20 }, statementTimeout: 3000, slowQueryThreshold: 1000 },
      tracing: { endpoint: 'http://collector:4318', samplingRate: 0.5 },
    })
  })

  test('chat-api gets its settings, its level and the state store', () =>
    expect(file(spec, 'chat-api')).toMatchObject({
      logLevel: 'warn',
      dapr: { stateStore: 'todo-statestore' },
      settings: { bodyLimit: 2048 },
    }))

  test('the migrations learn the role of the workers where the operator made it', () => {
    expect(migrateConfigSchema.parse(file({}, 'migrate')).database.appRole).toBe('todo_app')
    expect(migrateConfigSchema.parse(file(externalSpec, 'migrate')).database.appRole).toBeUndefined()
  })
})

describe('settings of a worker', () => {
  test.each([
    [
      { chatApi: { config: { bodylimit: 2048 } } },
      [{ path: 'spec.services.chatApi.config.bodylimit', message: 'unknown field' }],
    ],
    [
      { recurringTask: { config: { maxInterval: 0 } } },
      [{ path: 'spec.services.recurringTask.config.maxInterval', message: expect.stringContaining('>=1') }],
    ],
    [
      { audit: { config: { verifyBatchSize: 'many' } } },
      [{ path: 'spec.services.audit.config.verifyBatchSize', message: expect.stringContaining('expected') }],
    ],
    [{ notification: { config: {} } }, []],
  ])('%j has the problems the worker itself would report', (services, problems) =>
    expect(configProblems(aTodoChatbot({ services }))).toEqual(problems),
  )
})
