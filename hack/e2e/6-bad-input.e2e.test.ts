import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CommandError } from '../cluster/command.ts'
import { repository } from '../cluster/folders.ts'
import { refutedResources } from './bad-input/conditions.ts'
import type { ConditionContext } from './bad-input/conditions.ts'
import { masked } from './bad-input/masking.ts'
import { refusedRequests } from './bad-input/requests.ts'
import type { RequestContext } from './bad-input/requests.ts'
import { refusedResources } from './bad-input/resources.ts'
import { badInputDocument } from './bad-input/table.ts'
import type { Answered } from './bad-input/table.ts'
import { signUp } from './support/account.ts'
import type { Account, TaskBody } from './support/account.ts'
import { testCluster } from './support/cluster.ts'
import type { TestCluster } from './support/cluster.ts'
import { eventually } from './support/eventually.ts'
import type { HttpClient } from './support/http-client.ts'
import { testNamespace } from './support/namespace.ts'
import type { TestNamespace } from './support/namespace.ts'
import { systemIn } from './support/system.ts'
import type { System } from './support/system.ts'

/** Every answer is kept as it came and held against docs/bad-input.md at the end. */
const answers = { refused: [] as Answered[], conditions: [] as Answered[], requests: [] as Answered[] }

describe('wrong and hostile input', () => {
  let cluster: TestCluster
  let namespace: TestNamespace
  let running: System
  let user: Account
  let clients: Readonly<Record<'chat-api' | 'audit', HttpClient>>
  let requestContext: RequestContext
  let conditionContext: ConditionContext
  beforeAll(async () => {
    cluster = await testCluster()
    namespace = await testNamespace(cluster, 'bad')
    running = systemIn(cluster, namespace.name, 'todo')
    await running.apply()
    await running.ready()
    clients = { 'chat-api': await running.worker('chat-api'), audit: await running.worker('audit') }
    user = await signUp(clients['chat-api'])
    requestContext = await prepareRequests(clients['chat-api'], user)
    conditionContext = {
      ...{ cluster, namespace: namespace.name, running },
      system: (name) => systemIn(cluster, namespace.name, name),
    }
  })
  afterAll(async () => {
    await namespace.remove()
    await cluster.close()
  })

  it.each(refusedResources)('is refused by the API server: $wrong', async ({ wrong, name = 'bad', spec, answer }) => {
    const system = systemIn(cluster, namespace.name, name)
    const refusal = await system.apply(spec).then(
      () => 'accepted',
      (error: unknown) => (error instanceof CommandError ? error.stderr : String(error)),
    )
    answers.refused.push({
      wrong,
      answer: masked(
        refusal.replaceAll(/^(Error from server|error).*?: error when creating "STDIN": /gm, ''),
        namespace.name,
      ),
    })
    expect(refusal).toMatch(answer)
    expect(await system.resource()).toBeUndefined()
  })

  it('is refused by the API server: an edit that would leave the events behind', async () => {
    const wrong = 'another kafka.mode for a system that exists'
    const spec = { kafka: { mode: 'External', bootstrapServers: ['kafka:9092'] } }
    const refusal = await running.edit(spec).then(
      () => 'accepted',
      (error: unknown) => (error instanceof CommandError ? error.stderr : String(error)),
    )
    answers.refused.push({ wrong, answer: masked(refusal, namespace.name) })
    expect(refusal).toMatch(/kafka\.mode cannot be changed/)
  })

  it.each(refutedResources)(
    'becomes a condition: $wrong',
    async ({ wrong, make, condition, reason, answer, untouched, undo }) => {
      const system = await make(conditionContext)
      try {
        const said = await eventually(
          `${condition}=False, ${reason}`,
          async () => {
            const now = await system.condition(condition)
            expect(now).toMatchObject({ status: 'False', reason })
            expect(now?.message).toMatch(answer)
            return now
          },
          120_000,
          500,
        )
        const message = masked(said.message, namespace.name)
        answers.conditions.push({ wrong, answer: `${condition}=False, ${said.reason}: ${message}` })
        expect((await system.condition('Ready'))?.status).toBe('False')
        if (untouched !== undefined) expect(await untouched(conditionContext)).toBe(true)
      } finally {
        if (undo !== undefined) await undo(conditionContext)
        else await cluster.kubectl(['delete', 'tcb', system.name, '-n', namespace.name, '--wait=false'])
      }
      await running.ready()
    },
  )

  it.each(refusedRequests)('is refused by a worker: $wrong', async (refused) => {
    const { worker = 'chat-api', method, path, body, headers, token, status, answer } = refused
    const bearer = token === null ? {} : { token: token === undefined ? user.token : token(requestContext) }
    const url = typeof path === 'string' ? path : path(requestContext)
    const response = await clients[worker].call(url, {
      ...{ method, ...bearer },
      ...(headers === undefined ? {} : { headers }),
      ...(body === undefined ? {} : { body }),
    })
    const text = JSON.stringify(response.body)
    const problem = response.body as { code?: string; detail?: string }
    answers.requests.push({
      wrong: refused.wrong,
      answer: masked(`${response.status} ${problem.code ?? ''}: ${problem.detail ?? ''}`, namespace.name),
    })
    expect({ status: response.status, answer: text }).toEqual({ status, answer: expect.stringMatching(answer) })
    expect(response.headers['content-type']).toContain('application/problem+json')
    expect(text).not.toMatch(/node_modules|at \w+ \(|SELECT |password_hash/)
  })

  it('leaves the task that was attacked as it was', async () => {
    const task = (await user.call(requestContext.ownTask)).body as TaskBody
    expect(task).toMatchObject({ title: 'mine', version: 1 })
    await running.ready()
  })

  it('is answered as docs/bad-input.md says', async () => {
    const path = join(repository, 'docs/bad-input.md')
    const document = badInputDocument(answers)
    if (process.env['UPDATE_DOCS'] === '1') await writeFile(path, document)
    expect(document).toBe(await readFile(path, 'utf8'))
  })
})

async function prepareRequests(chatApi: HttpClient, user: Account): Promise<RequestContext> {
  const create = async (account: Account, title: string): Promise<string> => {
    const task = (await account.change('/api/v1/tasks', { method: 'POST', body: { title } })).body as TaskBody
    return `/api/v1/tasks/${task.id}`
  }
  const stranger = await signUp(chatApi)
  const [header = '', payload = '', signature = ''] = user.token.split('.')
  const unsigned = Buffer.from(JSON.stringify({ alg: 'none', typ: 'JWT' })).toString('base64url')
  return {
    ownTask: await create(user, 'mine'),
    otherTask: await create(stranger, 'theirs'),
    forgedToken: [header, payload, signature.split('').reverse().join('')].join('.'),
    unsignedToken: `${unsigned}.${payload}.`,
  }
}
