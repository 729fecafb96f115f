import { describe, expect, test } from 'vitest'
import { aTodoChatbot } from '../../test/support/builders.ts'
import { auditConfigSchema } from '../../../workers/audit/config.ts'
import { chatApiConfigSchema } from '../../../workers/chat-api/config.ts'
import { hotConfigSchema } from '../../../workers/lib/config-schema.ts'
import { migrateConfigSchema } from '../../../workers/jobs/migrate/config.ts'
import { notificationConfigSchema } from '../../../workers/notification/config.ts'
import { recurringTaskConfigSchema } from '../../../workers/recurring-task/config.ts'
import { someFacts, find, externalSpec } from '../../test/support/builders.ts'
import type { TodoChatbotSpecInput } from '../api/v1alpha1/todochatbot.ts'
import { configProblems } from './config-problems.ts'
import { desire } from './index.ts'
import type { Facts } from './types.ts'

type Data = Readonly<Record<string, string>>

const migrations = (spec: TodoChatbotSpecInput): unknown => {
  const object = find(desire(aTodoChatbot(spec), someFacts()), 'ConfigMap', 'todo-migrate-config')
  return JSON.parse((object['data'] as Data)['config.json'] ?? '')
}

/** What the pods of a worker find in their directory: the files of the ConfigMaps its template names. */
const files = (
  spec: TodoChatbotSpecInput,
  name: string,
  facts = someFacts(),
): { readonly names: readonly string[]; readonly cold: object; readonly hot: Record<string, unknown> } => {
  const objects = desire(aTodoChatbot(spec), facts)
  const { template } = find(objects, 'Deployment', `todo-${name}`)['spec'] as {
    template: {
      spec: { volumes: { name: string; projected?: { sources: { configMap: { name: string } }[] } }[] }
    }
  }
  const sources = template.spec.volumes.find((volume) => volume.name === 'config')?.projected?.sources ?? []
  const names = sources.map(({ configMap }) => configMap.name)
  const data: Data = Object.assign({}, ...names.map((one) => find(objects, 'ConfigMap', one)['data'] as Data)) as Data
  return {
    names,
    cold: JSON.parse(data['config.json'] ?? '') as object,
    hot: JSON.parse(data['hot.json'] ?? '') as Record<string, unknown>,
  }
}

describe('the configuration files are what the programs read', () => {
  const spec: TodoChatbotSpecInput = {
    profile: 'Production',
    database: { statementTimeout: '3s', slowQueryThreshold: '1s' },
    kafka: { topicPrefix: 'a.' },
    dapr: { tracing: { endpoint: 'http://collector:4318', samplingRate: '0.5' } },
    services: { chatApi: { logLevel: 'warn', config: { bodyLimit: 2048, signup: false } } },
  }

  test.each([
    ['audit', auditConfigSchema],
    ['recurring-task', recurringTaskConfigSchema],
    ['notification', notificationConfigSchema],
    ['chat-api', chatApiConfigSchema],
  ])('%s', (name, schema) => {
    const { cold, hot } = files(spec, name)
    expect(hotConfigSchema.parse(hot)).toMatchObject({ revision: expect.stringMatching(/^[0-9a-f]{16}$/) })
    expect(schema.parse(cold)).toMatchObject({
      service: `todo-${name}`,
      system: 'todo',
      version: '0.1.0',
      dapr: { httpPort: 3500, pubsub: 'todo-task-pubsub' },
      topics: { taskEvents: 'a.task-events', taskReminders: 'a.task-reminders', taskUpdates: 'a.task-updates' },
      database: { pool: { min: 2, max: 20 }, statementTimeout: 3000, slowQueryThreshold: 1000 },
      tracing: { endpoint: 'http://collector:4318', samplingRate: 0.5 },
    })
  })

  test('chat-api gets the state store, what needs a restart in one file and what does not in the other', () => {
    const { cold, hot } = files(spec, 'chat-api')
    expect(cold).toMatchObject({ dapr: { stateStore: 'todo-statestore' }, settings: { bodyLimit: 2048 } })
    expect(cold).not.toHaveProperty('logLevel')
    expect(cold).not.toHaveProperty('settings.signup')
    expect(hot).toMatchObject({ logLevel: 'warn', settings: { signup: false } })
    expect(hot).not.toHaveProperty('settings.bodyLimit')
  })

  test('a hot file keeps its name and changes its revision; a cold one is another object, so a template of the past finds its own', () => {
    const before = files(spec, 'chat-api')
    const hot = files(
      { ...spec, services: { chatApi: { logLevel: 'error', config: { bodyLimit: 2048 } } } },
      'chat-api',
    )
    expect(hot.names).toEqual(before.names)
    expect(hot.hot['revision']).not.toBe(before.hot['revision'])
    const cold = files(
      { ...spec, services: { chatApi: { logLevel: 'warn', config: { bodyLimit: 4096 } } } },
      'chat-api',
    )
    expect(cold.names).not.toEqual(before.names)
    const objects = desire(aTodoChatbot(spec), someFacts())
    expect(find(objects, 'ConfigMap', before.names[0] ?? '')).toMatchObject({ immutable: true })
  })

  test('a worker logs at debug while debugUntil lies ahead, whatever its level, and its template does not show it', () => {
    const debug = someFacts({ active: { debug: ['chatApi'], boost: [] } })
    expect(files(spec, 'chat-api', debug).hot).toMatchObject({ logLevel: 'debug' })
    expect(files(spec, 'audit', debug).hot).toMatchObject({ logLevel: 'info' })
    const templateOf = (facts: Facts): unknown => find(desire(aTodoChatbot(spec), facts), 'Deployment', 'todo-chat-api')
    expect(templateOf(debug)).toEqual(templateOf(someFacts()))
  })

  test('the migrations learn the role of the workers where the operator made it', () => {
    expect(migrateConfigSchema.parse(migrations({})).database.appRole).toBe('todo_app')
    expect(migrateConfigSchema.parse(migrations(externalSpec)).database.appRole).toBeUndefined()
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
