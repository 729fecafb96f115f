/** One HTTP call to the API server. */
export interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Absolute path without query. */
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  /** Sent as JSON. */
  readonly body?: unknown
  /** Default application/json. */
  readonly contentType?: string
  /** Default application/json. */
  readonly accept?: string
  readonly signal?: AbortSignal | undefined
  /** Overall limit in ms; default 30 000. */
  readonly timeoutMs?: number | undefined
}

/** Speaks HTTP to one API server: pooled connections, authentication, deadlines, client-side rate limit. */
export interface Transport {
  /** @throws KubeError for every answer that is not 2xx and for no answer. */
  request: (request: KubeRequest) => Promise<{ readonly status: number; readonly body: unknown }>
  /** Opens a long-lived response and yields its chunks; rejects like `request` when the answer is not 2xx. */
  stream: (request: KubeRequest) => Promise<AsyncIterable<Uint8Array>>
  /** Closes all connections. */
  close: () => Promise<void>
}
