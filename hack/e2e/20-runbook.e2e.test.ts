import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kinds } from '../../operator/src/kube/kinds.ts'
import { runbookCommands } from './runbook/commands.ts'
import { signUp } from './support/account.ts'
import { testCluster } from './support/cluster.ts'
import type { TestCluster } from './support/cluster.ts'
import { eventually } from './support/eventually.ts'
import { testNamespace } from './support/namespace.ts'
import type { TestNamespace } from './support/namespace.ts'
import { podSelector } from './support/rollout.ts'
import { systemIn } from './support/system.ts'

/** The commands are known before there is a system; names of pods are filled in when they run. */
const placeholder = {
  namespace: '<namespace>',
  pod: '<pod-name>',
  deployment: '<deployment-name>',
  kafkaPod: '<kafka-pod>',
  consumerGroup: '<consumer-group>',
  postgresPod: '<postgres-pod>',
}

describe('the read-only commands of the runbook', () => {
  let cluster: TestCluster
  let namespace: TestNamespace
  let pod = ''
  beforeAll(async () => {
    cluster = await testCluster()
    namespace = await testNamespace(cluster, 'runbook')
    const todo = systemIn(cluster, namespace.name, 'todo')
    await todo.apply()
    await todo.ready()
    const user = await signUp(await todo.worker('chat-api'))
    await user.change('/api/v1/tasks', { method: 'POST', body: { title: 'something to consume' } })
    const [worker] = await cluster.list(kinds.Pod, namespace.name, podSelector('todo', 'audit'))
    pod = worker?.metadata.name ?? ''
  })
  afterAll(async () => {
    await namespace.remove()
    await cluster.close()
  })

  const commands = runbookCommands(placeholder).map(({ section, args }, index) => ({
    section,
    line: args.join(' '),
    index,
  }))

  it.each(commands)('$section: kubectl $line', async ({ index }) => {
    const filled = runbookCommands({
      namespace: namespace.name,
      pod,
      deployment: 'todo-audit',
      kafkaPod: 'todo-kafka-0',
      consumerGroup: `${namespace.name}.todo-audit`,
      postgresPod: 'todo-postgresql-0',
    })[index]
    if (filled === undefined) throw new Error('no such command')
    // metrics-server knows a pod after it has asked its kubelet twice; everything else answers at once.
    const patience = filled.args[0] === 'top' ? 60_000 : 0
    await eventually(
      `kubectl ${filled.args.join(' ')}`,
      async () => {
        const answer = await cluster.kubectl(filled.args, { timeout: 120_000 })
        for (const shown of filled.shows) expect(answer).toMatch(shown)
        return true
      },
      patience,
    )
  })
})
