import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { Agent, request } from 'undici'

/** The little that starting a cluster asks of an API server; products use their own client. */
export interface ApiClient {
  /** Answers the parsed JSON, or the text when it is none. @throws ApiError for a status of 400 and above. */
  call(
    method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE',
    path: string,
    body?: unknown,
    contentType?: string,
  ): Promise<unknown>
  /**
   * The lines of an answer as they come, for watches: one JSON object each. Ends when the server ends the answer.
   * @param silence ms without a line after which it fails.
   */
  lines(path: string, silence: number, signal: AbortSignal): AsyncIterable<string>
  close(): Promise<void>
}

/** The API server refused: `status` is the HTTP status. */
export class ApiError extends Error {
  readonly status: number

  constructor(status: number, line: string, body: string) {
    super(`${line}: HTTP ${status} ${body.slice(0, 300)}`)
    this.name = 'ApiError'
    this.status = status
  }
}

interface Credentials {
  readonly server: string
  readonly ca: Buffer
  readonly cert: Buffer
  readonly key: Buffer
}

interface KubeconfigFile {
  readonly clusters: readonly [
    { readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string } },
  ]
  readonly users: readonly [
    { readonly user: { readonly 'client-certificate-data': string; readonly 'client-key-data': string } },
  ]
}

const USER_AGENT = { 'user-agent': 'todochatbot-dev-cluster' }

/** A client for a kubeconfig written by this folder (JSON, one cluster, one user, embedded keys). */
export async function apiClient(kubeconfigPath: string): Promise<ApiClient> {
  const { server, ca, cert, key } = await readCredentials(kubeconfigPath)
  const dispatcher = new Agent({ connect: { ca, cert, key }, headersTimeout: 30_000, bodyTimeout: 30_000 })
  return {
    async call(method, path, body, contentType = 'application/json') {
      const response = await request(`${server}${path}`, {
        method,
        dispatcher,
        headers: { ...USER_AGENT, ...(body === undefined ? {} : { 'content-type': contentType }) },
        body: body === undefined ? null : JSON.stringify(body),
      })
      const text = await response.body.text()
      if (response.statusCode >= 400) throw new ApiError(response.statusCode, `${method} ${path}`, text)
      try {
        return JSON.parse(text) as unknown
      } catch {
        return text
      }
    },
    async *lines(path, silence, signal) {
      const options = { dispatcher, headers: USER_AGENT, bodyTimeout: silence, signal }
      const response = await request(`${server}${path}`, { method: 'GET', ...options })
      if (response.statusCode >= 400) {
        throw new ApiError(response.statusCode, `GET ${path}`, await response.body.text())
      }
      yield* createInterface({ input: response.body, crlfDelay: Infinity })
    },
    close: () => dispatcher.close(),
  }
}

async function readCredentials(path: string): Promise<Credentials> {
  const file = JSON.parse(await readFile(path, 'utf8')) as KubeconfigFile
  const [{ cluster }] = file.clusters
  const [{ user }] = file.users
  return {
    server: cluster.server,
    ca: Buffer.from(cluster['certificate-authority-data'], 'base64'),
    cert: Buffer.from(user['client-certificate-data'], 'base64'),
    key: Buffer.from(user['client-key-data'], 'base64'),
  }
}
