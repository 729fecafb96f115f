import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, parseAllDocuments, stringify } from 'yaml'
import { startControlPlane } from '../../hack/cluster/index.ts'
import type { IsolatedControlPlane } from '../../hack/cluster/index.ts'
import { CommandError } from '../../hack/cluster/command.ts'
import { kubectlFor } from '../../hack/cluster/kubectl.ts'
import type { Kubectl } from '../../hack/cluster/kubectl.ts'
import { parseTodoChatbot } from '../src/api/v1alpha1/parse.ts'
import type { KubeObject } from '../src/api/v1alpha1/kubernetes.ts'
import { specSchema } from '../src/api/v1alpha1/todochatbot.ts'
import { wrongDayTwoResources } from './support/wrong-day-two-resources.ts'
import { edits, wrongResources } from './support/wrong-resources.ts'

const repository = join(import.meta.dirname, '../..')

let plane: IsolatedControlPlane
let cluster: Kubectl

const resource = (spec: unknown, name = 'todo'): string =>
  stringify({
    apiVersion: 'todochatbot.dev/v1alpha1',
    kind: 'TodoChatbot',
    metadata: { name, namespace: 'default' },
    spec,
  })

/** What kubectl answers, or undefined when it accepts. */
const refusal = async (args: readonly string[], input: string): Promise<string | undefined> => {
  try {
    await cluster.kubectl(args, { input })
    return undefined
  } catch (error) {
    if (error instanceof CommandError) return error.stderr
    throw error
  }
}

const stored = async (name: string): Promise<KubeObject> =>
  JSON.parse(await cluster.kubectl(['get', 'tcb', name, '-o', 'json'])) as KubeObject

beforeAll(async () => {
  plane = await startControlPlane()
  cluster = await kubectlFor(plane.kubeconfigPath, plane.stateDir)
  await cluster.kubectl(['apply', '--server-side', '-f', join(repository, 'crds/todochatbot.dev_todochatbots.yaml')])
  await cluster.kubectl(['wait', '--for=condition=Established', 'crd/todochatbots.todochatbot.dev', '--timeout=30s'])
})

afterAll(async () => plane.stop())

test('the API server finds nothing to complain about in the definition', async () => {
  const crd = JSON.parse(await cluster.kubectl(['get', 'crd', 'todochatbots.todochatbot.dev', '-o', 'json'])) as {
    status: { conditions: { type: string; status: string; message: string }[] }
  }
  expect(crd.status.conditions.filter(({ type }) => type === 'NonStructuralSchema')).toEqual([])
  expect(crd.status.conditions).toContainEqual(expect.objectContaining({ type: 'NamesAccepted', status: 'True' }))
})

describe('a wrong resource is refused with words that help', () => {
  test.each([...wrongResources, ...wrongDayTwoResources])('$what', async ({ spec, name, says }) => {
    const answer = await refusal(['apply', '--dry-run=server', '-f', '-'], resource(parse(spec) ?? {}, name))
    for (const part of says) expect(answer).toContain(part)
    expect(answer).toBeDefined()
  })
})

describe('an edit', () => {
  test.each(edits.map((edit, index) => ({ ...edit, name: `edit-${index}` })))(
    '$what',
    async ({ from, to, says, name }) => {
      await cluster.kubectl(['apply', '-f', '-'], { input: resource(parse(from), name) })
      const answer = await refusal(['apply', '-f', '-'], resource(parse(to), name))
      if (says.length === 0) expect(answer).toBeUndefined()
      for (const part of says) expect(answer).toContain(part)
    },
  )

  test('of the topic prefix is refused once a topic exists, and allowed again to a system that lost its claims', async () => {
    const spec = { kafka: { mode: 'External', bootstrapServers: ['a:9092'] } }
    const moved = resource({ kafka: { ...spec.kafka, topicPrefix: 'b.' } }, 'prefix')
    const topics = async (state: string): Promise<string> =>
      cluster.kubectl([
        ...['patch', 'tcb', 'prefix', '--subresource=status', '--type=merge', '-p'],
        JSON.stringify({ status: { topics: [{ alias: 'taskEvents', name: 'task-events', state }] } }),
      ])
    await cluster.kubectl(['apply', '-f', '-'], { input: resource(spec, 'prefix') })
    await topics('Ready')
    expect(await refusal(['apply', '-f', '-'], moved)).toContain(
      'kafka.topicPrefix cannot be changed once the topics exist',
    )
    await topics('Conflict')
    expect(await refusal(['apply', '-f', '-'], moved)).toBeUndefined()
  })
})

describe('a resource that is right', () => {
  test.each(['development', 'staging', 'production'])('the %s sample is accepted without a warning', async (sample) => {
    const text = await readFile(join(repository, `config/samples/${sample}.yaml`), 'utf8')
    const bot = parseAllDocuments(text)
      .map((document) => document.toJS() as KubeObject)
      .find(({ kind }) => kind === 'TodoChatbot')
    const placed = stringify({ ...bot, metadata: { name: `sample-${sample}`, namespace: 'default' } })
    await cluster.kubectl(['apply', '--warnings-as-errors', '-f', '-'], { input: placed })
    expect(parseTodoChatbot(await stored(`sample-${sample}`)).ok).toBe(true)
  })

  test('is stored with the defaults the schema documents, and looks unobserved', async () => {
    await cluster.kubectl(['apply', '-f', '-'], { input: resource({}, 'bare') })
    const object = await stored('bare')
    expect(object['spec']).toEqual(specSchema.parse({}))
    expect(object['status']).toEqual({ observedGeneration: -1 })
  })

  test('may leave out the spec', async () => {
    const input =
      'apiVersion: todochatbot.dev/v1alpha1\nkind: TodoChatbot\nmetadata: {name: no-spec, namespace: default}\n'
    await cluster.kubectl(['apply', '-f', '-'], { input })
    expect((await stored('no-spec'))['spec']).toEqual(specSchema.parse({}))
  })

  test('is shown in one line', async () => {
    await cluster.kubectl(['apply', '-f', '-'], { input: resource({ profile: 'Staging' }, 'line') })
    const status = {
      observedGeneration: 1,
      version: '0.1.0',
      summary: 'Installing: waiting for StatefulSet/line-kafka',
      conditions: [
        {
          type: 'Ready',
          status: 'False',
          reason: 'Waiting',
          message: 'm',
          observedGeneration: 1,
          lastTransitionTime: '2026-01-01T00:00:00Z',
        },
      ],
      services: [{ name: 'chat-api', desired: 2, ready: 1 }],
    }
    await cluster.kubectl([
      'patch',
      'tcb',
      'line',
      '--subresource=status',
      '--type=merge',
      '-p',
      JSON.stringify({ status }),
    ])
    const [head, row] = (await cluster.kubectl(['get', 'tcb', 'line'])).split('\n')
    expect(head?.split(/\s{2,}/)).toEqual(
      expect.arrayContaining(['NAME', 'PROFILE', 'VERSION', 'READY', 'STATUS', 'AGE']),
    )
    expect(row).toMatch(/^line\s+Staging\s+0\.1\.0\s+False\s+Installing: waiting for StatefulSet\/line-kafka\s+\S+\s*$/)
  })

  test('is explained by kubectl, defaults and profiles included', async () => {
    const partitions = await cluster.kubectl(['explain', 'tcb.spec.kafka.topics.taskEvents.partitions'])
    expect(partitions).toContain('It only grows')
    const replicas = await cluster.kubectl(['explain', 'tcb.spec.services.chatApi.replicas'])
    expect(replicas.replace(/\s+/g, ' ')).toContain('Development 1, Staging 2, Production 3')
  })
})
