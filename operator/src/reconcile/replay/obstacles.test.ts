import { expect, test } from 'vitest'
import type { KubeObject } from '../../api/v1alpha1/kubernetes.ts'
import { annotation } from '../../api/v1alpha1/labels.ts'
import { aTodoChatbot } from '../../../test/support/builders.ts'
import { obstacleOf } from './obstacles.ts'

const now = Date.UTC(2026, 0, 1)
const bot = aTodoChatbot()
const isolated = aTodoChatbot({
  services: {
    notification: { isolated: { mode: 'ScaleDown', reason: 'odd', by: 'me', until: '2026-01-02T00:00:00Z' } },
  },
})
const procedure = (kind: string, phase: string | undefined, spec: object = {}): KubeObject => ({
  apiVersion: 'todochatbot.dev/v1alpha1',
  kind,
  metadata: { name: 'one', namespace: bot.metadata.namespace },
  spec: { system: bot.metadata.name, ...spec },
  ...(phase === undefined ? {} : { status: { phase } }),
})
const marked: KubeObject = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'todo-notification', annotations: { [annotation.isolated]: 'ScaleDown' } },
}
const look = (over: Partial<Parameters<typeof obstacleOf>[0]>) =>
  obstacleOf({ bot, worker: 'notification', deployment: undefined, restores: [], backups: [], now, ...over })

test.each<[string, Partial<Parameters<typeof obstacleOf>[0]>, string | undefined, boolean | undefined]>([
  ['nothing', {}, undefined, undefined],
  ['an isolation of the worker', { bot: isolated }, 'the isolation of notification', true],
  ['an isolation of another worker', { bot: isolated, worker: 'audit' }, undefined, undefined],
  ['an isolation that is being ended', { deployment: marked }, 'the isolation of notification', true],
  ['a restore that has not begun', { restores: [procedure('Restore', undefined)] }, 'Restore/one', true],
  ['a restore that goes on', { restores: [procedure('Restore', 'Fencing')] }, 'Restore/one', true],
  ['a restore that is over', { restores: [procedure('Restore', 'Succeeded')] }, undefined, undefined],
  ['a drill', { restores: [procedure('Restore', 'Running', { mode: 'Drill' })] }, undefined, undefined],
  [
    'a restore of another system',
    { restores: [procedure('Restore', 'Running', { system: 'other' })] },
    undefined,
    undefined,
  ],
  ['a backup that runs', { backups: [procedure('Backup', 'Running')] }, 'Backup/one', false],
  ['a backup that is over', { backups: [procedure('Backup', 'Succeeded')] }, undefined, undefined],
])('%s: in the way of a replay or not', (_what, over, what, interrupts) => {
  const obstacle = look(over)
  if (what === undefined) expect(obstacle).toBeUndefined()
  else expect(obstacle).toEqual({ line: `waits until ${what} ends`, interrupts })
})
