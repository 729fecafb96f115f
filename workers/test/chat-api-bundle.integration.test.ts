import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request } from 'undici'
import { afterAll, expect, it } from 'vitest'
import { startDaprd, startRedis } from '../../hack/cluster/index.ts'
import { freePorts } from '../../hack/cluster/free-ports.ts'
import { bundle } from '../../hack/images/bundle.ts'
import { jwtKey } from './support/chat-api.ts'
import type { ChatAnswer } from './support/chat-api.ts'
import { eventually } from './support/eventually.ts'
import { startMigratedDatabase } from './support/migrated-database.ts'

/** Undone in reverse order, also when the test stops half way. */
const closers: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const close of closers.reverse()) await close()
})

it('runs as the image runs it: one bundle with what is loaded on demand, from files, with its memory and tracing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'todochatbot-bundle-'))
  closers.push(() => rm(folder, { recursive: true, force: true }))
  const [system, redis] = await Promise.all([startMigratedDatabase(), startRedis(), bundle(join(folder, 'dist'))])
  closers.push(
    () => system.stop(),
    () => redis.stop(),
  )
  const metadata = [
    { name: 'redisHost', value: redis.address },
    { name: 'redisPassword', value: redis.password },
  ]
  const sidecar = await startDaprd({
    appId: 'todo-chat-api',
    resources: [
      {
        apiVersion: 'dapr.io/v1alpha1',
        kind: 'Component',
        metadata: { name: 'memory' },
        spec: { type: 'state.redis', version: 'v1', metadata },
      },
    ],
  })
  closers.push(() => sidecar.stop())
  const [port = 0, nobody = 0] = await freePorts(2)
  await mkdir(join(folder, 'config'))
  await mkdir(join(folder, 'secrets'))
  await writeFile(join(folder, 'secrets', 'databaseUri'), system.server.url)
  await writeFile(join(folder, 'secrets', 'jwtKey'), jwtKey)
  await writeFile(
    join(folder, 'config', 'config.json'),
    JSON.stringify({
      service: 'todo-chat-api',
      system: 'todo',
      version: '0.1.0',
      logLevel: 'error',
      http: { port },
      dapr: { httpPort: sidecar.httpPort, pubsub: 'none', stateStore: 'memory' },
      topics: { taskEvents: 'task-events', taskReminders: 'task-reminders', taskUpdates: 'task-updates' },
      tracing: { endpoint: `http://127.0.0.1:${nobody}`, samplingRate: 1 },
      settings: {},
    }),
  )
  const child = spawn(process.execPath, [join(folder, 'dist', 'workers', 'chat-api.mjs')], {
    env: {
      PATH: process.env['PATH'],
      TODOCHATBOT_CONFIG_DIR: join(folder, 'config'),
      TODOCHATBOT_SECRETS_DIR: join(folder, 'secrets'),
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const exited = once(child, 'exit') as Promise<[number | null]>
  closers.push(() => (child.kill('SIGKILL') ? exited : Promise.resolve()))

  const post = async <Answer>(path: string, body: object, token = ''): Promise<Answer> => {
    const response = await request(`http://127.0.0.1:${port}/api/v1/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
    })
    const text = await response.body.text()
    if (response.statusCode >= 300) throw new Error(`${path} answered ${response.statusCode}: ${text}`)
    return JSON.parse(text) as Answer
  }
  const live = (): Promise<boolean> =>
    request(`http://127.0.0.1:${port}/livez`).then(
      async ({ statusCode, body }) => body.dump().then(() => statusCode === 200),
      () => false,
    )
  await eventually('the bundled program answers', live, 60_000)
  const { token } = await post<{ token: string }>('auth/signup', { email: 'a@example.com', password: 'long enough' })
  const say = async (message: string): Promise<string> => (await post<ChatAnswer>('chat', { message }, token)).reply
  await say('add water plants every day at 7:30')
  await say('add buy milk')
  expect(await say('list')).toMatch(/^You have 2 tasks:\n1\. water plants .*\n2\. buy milk$/)
  expect(await say('complete the second one')).toBe('Completed "buy milk".')
  child.kill('SIGTERM')
  expect((await exited)[0]).toBe(0)
})
