import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'undici'

/** What the harness reads of an object. */
export interface WatchedObject {
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly generation?: number
    readonly labels?: Readonly<Record<string, string>>
  }
  readonly spec?: { readonly replicas?: number }
  readonly status?: Readonly<Record<string, unknown>>
}

interface WatchLine {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  readonly object: WatchedObject
}

/** One keep-alive connection pool to the API server of a kubeconfig written by hack/cluster. */
export async function connectionPool(
  kubeconfigPath: string,
  connections: number,
): Promise<{ server: string; agent: Agent }> {
  const file = JSON.parse(await readFile(kubeconfigPath, 'utf8')) as {
    clusters: [{ cluster: { server: string; 'certificate-authority-data': string } }]
    users: [{ user: { 'client-certificate-data': string; 'client-key-data': string } }]
  }
  const [{ cluster }] = file.clusters
  const [{ user }] = file.users
  const decode = (value: string): Buffer => Buffer.from(value, 'base64')
  const agent = new Agent({
    connections,
    pipelining: 1,
    headersTimeout: 60_000,
    bodyTimeout: 0,
    connect: {
      ca: decode(cluster['certificate-authority-data']),
      cert: decode(user['client-certificate-data']),
      key: decode(user['client-key-data']),
    },
  })
  return { server: cluster.server, agent }
}

/** How long a collection may not be watchable, in ms: an API server that restarts is back much sooner. */
const PATIENCE = 60_000

/**
 * Calls `seen` for every object of a collection as it is added or changed, from what exists on, until aborted.
 * The watch starts again when it ends or breaks: the simulator only needs to see each object's last state once.
 * @param path such as /apis/apps/v1/deployments
 * @throws Error when no watch could be opened for a minute
 */
export async function watchObjects(
  pool: { readonly server: string; readonly agent: Agent },
  path: string,
  seen: (object: WatchedObject) => void,
  signal: AbortSignal,
): Promise<void> {
  let failingSince: number | undefined
  while (!signal.aborted) {
    try {
      await watchOnce(pool, path, seen, signal, () => {
        failingSince = undefined
      })
    } catch (error) {
      failingSince ??= performance.now()
      if (performance.now() - failingSince > PATIENCE) throw error
      // Rejects when aborted meanwhile, as the watch itself does.
      await sleep(200, undefined, { signal })
    }
  }
}

async function watchOnce(
  pool: { readonly server: string; readonly agent: Agent },
  path: string,
  seen: (object: WatchedObject) => void,
  signal: AbortSignal,
  alive: () => void,
): Promise<void> {
  const response = await request(`${pool.server}${path}?watch=true&timeoutSeconds=3000`, {
    dispatcher: pool.agent,
    headers: { 'user-agent': 'bench-simulator' },
    signal,
  })
  if (response.statusCode !== 200) {
    await response.body.dump()
    throw new Error(`watch ${path}: HTTP ${response.statusCode}`)
  }
  alive()
  let partial = ''
  for await (const chunk of response.body.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (partial + chunk).split('\n')
    partial = lines.pop() ?? ''
    for (const line of lines) {
      const { type, object } = JSON.parse(line) as WatchLine
      if (type === 'ADDED' || type === 'MODIFIED') seen(object)
    }
  }
}
