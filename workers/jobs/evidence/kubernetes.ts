/** Reads of the API server: nothing but GET, with the token of the Job's own ServiceAccount. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Agent, request } from 'undici'

/** Any object, as JSON. */
export interface ApiObject {
  readonly metadata: {
    readonly name: string
    readonly uid?: string
    readonly creationTimestamp?: string
    readonly annotations?: Readonly<Record<string, string>>
    readonly ownerReferences?: readonly { readonly name: string; readonly uid: string }[]
  }
  readonly [field: string]: unknown
}

/** Text with a note whether older parts were left out. */
export interface Tail {
  readonly text: string
  readonly truncated: boolean
}

/** The API server. Every call rejects with its own words when it refuses. */
export interface ApiServer {
  get: (path: string) => Promise<ApiObject>
  /** Every page of a list. */
  list: (path: string, query?: Readonly<Record<string, string>>) => Promise<readonly ApiObject[]>
  /** The newest `maxBytes` of a log, from the start of a line. */
  tail: (path: string, query: Readonly<Record<string, string>>, maxBytes: number) => Promise<Tail>
}

/** Where the API server is. */
export interface ApiServerOptions {
  /** Such as https://10.0.0.1:443. */
  readonly url: string
  /** Folder with `token` and `ca.crt`, as the kubelet mounts it; the token is read for every request, because it rotates. */
  readonly account: string
  readonly signal: AbortSignal
}

/** Longest answer that is read as JSON, in bytes. */
const maxJson = 32 * 1024 * 1024

/** Makes the reader. */
export const apiServer = async ({ url, account, signal }: ApiServerOptions): Promise<ApiServer> => {
  const ca = url.startsWith('https:') ? await readFile(join(account, 'ca.crt'), 'utf8') : undefined
  const dispatcher = new Agent(ca === undefined ? {} : { connect: { ca } })

  const ask = async (path: string, query: Readonly<Record<string, string>> = {}) => {
    const token = (await readFile(join(account, 'token'), 'utf8')).trim()
    const { statusCode, body } = await request(`${url}${path}?${new URLSearchParams(query).toString()}`, {
      dispatcher,
      signal,
      headersTimeout: 15_000,
      bodyTimeout: 15_000,
      headers: { authorization: `Bearer ${token}`, accept: 'application/json, */*' },
    })
    if (statusCode === 200) return body
    const { text } = await readTail(body, 16 * 1024)
    throw new Error(`the API server answered ${statusCode}: ${messageOf(text)}`)
  }
  const json = async (path: string, query?: Readonly<Record<string, string>>): Promise<unknown> => {
    const { text, truncated } = await readTail(await ask(path, query), maxJson)
    if (truncated) throw new Error(`${path}: the answer is larger than ${maxJson} bytes`)
    return JSON.parse(text)
  }

  return {
    get: async (path) => (await json(path)) as ApiObject,
    list: async (path, query = {}) => {
      const items: ApiObject[] = []
      for (let next = ''; ;) {
        const page = (await json(path, { ...query, limit: '500', ...(next === '' ? {} : { continue: next }) })) as {
          items?: ApiObject[]
          metadata?: { continue?: string }
        }
        items.push(...(page.items ?? []))
        next = page.metadata?.continue ?? ''
        if (next === '') return items
      }
    },
    tail: async (path, query, maxBytes) => {
      const { text, truncated } = await readTail(await ask(path, query), maxBytes)
      // The first line is cut somewhere, perhaps inside a secret that nobody would recognise any more.
      return { text: truncated ? text.slice(text.indexOf('\n') + 1) : text, truncated }
    },
  }
}

/** The last `maxBytes` of a stream; earlier ones are let go as they come. */
export const readTail = async (stream: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Tail> => {
  const chunks: Buffer[] = []
  let size = 0
  let truncated = false
  for await (const chunk of stream) {
    chunks.push(Buffer.from(chunk))
    size += chunk.length
    for (let first = chunks[0]; first !== undefined && size - first.length >= maxBytes; first = chunks[0]) {
      chunks.shift()
      size -= first.length
      truncated = true
    }
  }
  const whole = Buffer.concat(chunks)
  return whole.length > maxBytes
    ? { text: whole.subarray(whole.length - maxBytes).toString('utf8'), truncated: true }
    : { text: whole.toString('utf8'), truncated }
}

const messageOf = (body: string): string => {
  try {
    const { message } = JSON.parse(body) as { message?: unknown }
    return typeof message === 'string' ? message : body
  } catch {
    // Not a Status object: a log request answers in plain text.
    return body.trim()
  }
}
