import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { aTodoChatbot } from '../../../test/support/builders.ts'
import { temporaryMetrics, temporarySecondsLeft } from './temporary-metrics.ts'

test('the time left is told for what is in force, and nothing for what has ended', async () => {
  const registry = new Registry()
  let now = Date.parse('2026-01-01T00:59:00Z')
  const bot = aTodoChatbot({
    services: {
      audit: { debugUntil: '2026-01-01T01:00:00Z' },
      notification: {
        isolated: { mode: 'Network', reason: 'odd', by: 'alice', until: '2026-01-01T01:00:00Z' },
      },
      chatApi: { boost: { memory: '1Gi', reason: 'month end', until: '2026-01-01T02:00:00Z' } },
    },
  })
  temporaryMetrics(registry, { list: () => [{ ...bot }] }, () => now)
  const lines = async (): Promise<string[]> =>
    (await registry.getSingleMetricAsString(temporarySecondsLeft)).split('\n').filter((line) => !line.startsWith('#'))
  const labels = 'namespace="todo-app",system="todo"'
  expect(await lines()).toEqual([
    `${temporarySecondsLeft}{${labels},worker="audit",kind="debug"} 60`,
    `${temporarySecondsLeft}{${labels},worker="chat-api",kind="boost"} 3660`,
    `${temporarySecondsLeft}{${labels},worker="notification",kind="isolation"} 60`,
  ])
  now += 60_000
  expect(await lines()).toEqual([`${temporarySecondsLeft}{${labels},worker="chat-api",kind="boost"} 3600`])
})
