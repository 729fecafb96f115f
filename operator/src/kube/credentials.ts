import { readFile } from 'node:fs/promises'
import type { RequestOptions } from 'node:https'

/** What is needed to open a connection and to authenticate a request, valid until the next renewal. */
export interface Session {
  /** Origin of the API server plus an optional path prefix, without a trailing slash. */
  readonly server: string
  readonly tls: {
    readonly ca?: string | Buffer
    readonly cert?: string | Buffer
    readonly key?: string | Buffer
    readonly servername?: string
    readonly rejectUnauthorized?: boolean
  }
  /** Headers of every request: Authorization, Impersonate-User. */
  readonly headers: Readonly<Record<string, string>>
}

/** Source of sessions. Both methods share one load in flight. */
export interface Credentials {
  /** The session in use; loaded anew when older than a minute. A failing reload keeps the former session. */
  current: () => Promise<Session>
  /** Loads anew at once, after the API server answered 401. */
  renew: () => Promise<Session>
}

/** Bound service account tokens are rotated well before they end; a minute is what client-go uses, too. */
const SESSION_TTL_MS = 60_000

/** Makes credentials out of a function that reads a session. `now` counts milliseconds. */
export const createCredentials = (
  load: () => Promise<Session>,
  now: () => number = () => performance.now(),
): Credentials => {
  let session: Session | undefined
  let readAt = -Infinity
  let loading: Promise<Session> | undefined

  const renew = (): Promise<Session> => {
    loading ??= load()
      .then((loaded) => {
        session = loaded
        readAt = now()
        return loaded
      })
      .finally(() => {
        loading = undefined
      })
    return loading
  }

  const current = async (): Promise<Session> => {
    if (session !== undefined && now() - readAt < SESSION_TTL_MS) return session
    const former = session
    if (former === undefined) return renew()
    return renew().catch(() => former)
  }

  return { current, renew }
}

/** Where the kubelet mounts the service account. */
const SERVICE_ACCOUNT_DIR = '/var/run/secrets/kubernetes.io/serviceaccount'

/** Credentials of a pod: the mounted service account, of which the kubelet rewrites token and CA in place. */
export const inClusterCredentials = (options: {
  /** `KUBERNETES_SERVICE_HOST`; IPv6 addresses are bracketed here. */
  readonly host: string
  /** `KUBERNETES_SERVICE_PORT`. */
  readonly port: string
  readonly serviceAccountDir?: string
  readonly now?: () => number
}): Credentials => {
  const directory = options.serviceAccountDir ?? SERVICE_ACCOUNT_DIR
  const host = options.host.includes(':') ? `[${options.host}]` : options.host
  return createCredentials(async () => {
    const [token, ca] = await Promise.all([
      readFile(`${directory}/token`, 'utf8'),
      readFile(`${directory}/ca.crt`, 'utf8'),
    ])
    return {
      server: `https://${host}:${options.port}`,
      tls: { ca },
      headers: { authorization: `Bearer ${token.trim()}` },
    }
  }, options.now)
}

/**
 * Credentials of a kubeconfig file: CA, client certificate, token, basic, exec and other plugins of client-node. The library is
 * loaded here only, because it costs more than 800 modules at start, and anew from the file at each renewal, so that a plugin
 * whose cached credential was refused runs again.
 * @throws Error when the file has no current context with a cluster.
 */
export const kubeconfigCredentials = (path: string, now?: () => number): Credentials =>
  createCredentials(async () => {
    const { KubeConfig } = await import('@kubernetes/client-node')
    const config = new KubeConfig()
    config.loadFromFile(path)
    const cluster = config.getCurrentCluster()
    if (cluster === null) throw new Error(`kubeconfig ${path} has no cluster in its current context`)
    const options: RequestOptions = {}
    await config.applyToHTTPSOptions(options)
    const headers: Record<string, string> = {}
    for (const [name, value] of Object.entries(options.headers ?? {})) headers[name.toLowerCase()] = String(value)
    if (typeof options.auth === 'string')
      headers['authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`
    return { server: cluster.server.replace(/\/+$/, ''), tls: tlsOf(options), headers }
  }, now)

const tlsOf = (options: RequestOptions): Session['tls'] => ({
  ...(isMaterial(options.ca) && { ca: options.ca }),
  ...(isMaterial(options.cert) && { cert: options.cert }),
  ...(isMaterial(options.key) && { key: options.key }),
  ...(typeof options.servername === 'string' && { servername: options.servername }),
  ...(typeof options.rejectUnauthorized === 'boolean' && { rejectUnauthorized: options.rejectUnauthorized }),
})

const isMaterial = (value: unknown): value is string | Buffer => typeof value === 'string' || Buffer.isBuffer(value)
