import { Agent, request } from 'undici'

/** What to send. */
export interface HttpCall {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Sent as JSON; a Buffer or string is sent as it is. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Bearer token. */
  readonly token?: string
  /** ms for the whole answer; default 10 000. */
  readonly timeout?: number
}

/** What came back. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Parsed JSON, or the text when it is none. */
  readonly body: unknown
}

/** Speaks to one server over keep-alive connections. */
export interface HttpClient {
  call(path: string, call?: HttpCall): Promise<HttpAnswer>
  close(): Promise<void>
}

/** A client for a base URL such as http://10.62.3.4:8000. */
export function httpClient(baseUrl: string): HttpClient {
  const dispatcher = new Agent({ connect: { timeout: 5_000 }, keepAliveTimeout: 10_000 })
  return {
    async call(path, { method = 'GET', body, headers = {}, token, timeout = 10_000 } = {}) {
      const raw = typeof body === 'string' || body instanceof Uint8Array
      const response = await request(`${baseUrl}${path}`, {
        method,
        dispatcher,
        signal: AbortSignal.timeout(timeout),
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...headers,
        },
        body: body === undefined ? null : raw ? body : JSON.stringify(body),
      })
      const text = await response.body.text()
      return { status: response.statusCode, headers: response.headers, body: parsed(text) }
    },
    close: () => dispatcher.destroy(),
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}
