import { request } from 'undici'
import type { z } from 'zod'

/** Calls one service with one token; an answer of 400 or above, or of another shape, is an error. */
export interface Api {
  get<T>(path: string, schema: z.ZodType<T>): Promise<T>
  post<T>(path: string, body: unknown, schema: z.ZodType<T>): Promise<T>
}

/** @param token sent as bearer token when given. */
export function api(url: string, token?: string): Api {
  const call = async <T>(method: 'GET' | 'POST', path: string, body: unknown, schema: z.ZodType<T>): Promise<T> => {
    const response = await request(`${url}${path}`, {
      method,
      headersTimeout: 10_000,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: body === undefined ? null : JSON.stringify(body),
    })
    const text = await response.body.text()
    if (response.statusCode >= 400) throw new Error(`${method} ${path}: HTTP ${response.statusCode} ${text}`)
    return schema.parse(JSON.parse(text))
  }
  return {
    get: (path, schema) => call('GET', path, undefined, schema),
    post: (path, body, schema) => call('POST', path, body, schema),
  }
}
