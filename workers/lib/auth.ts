import { timingSafeEqual } from 'node:crypto'
import { jwtVerify, SignJWT } from 'jose'
import { HttpProblem } from './http-errors.ts'

/** Who a request is from: a user with a token of chat-api, or a machine with the system's service token. */
export type Principal = { readonly kind: 'user'; readonly userId: string } | { readonly kind: 'service' }

/** Both are checked: a token of another system or for another purpose is refused even if the key were shared. */
const issuer = 'todochatbot'
const audience = 'todochatbot-api'

/** HS256 wants a key as long as its hash (RFC 7518 §3.2). */
const keyBytes = (jwtKey: string): Uint8Array => {
  const bytes = Buffer.from(jwtKey, 'base64url')
  if (bytes.length < 32) throw new TypeError('jwtKey must be at least 32 bytes, base64url')
  return bytes
}

/** Signs tokens for users; `ttl` in seconds. */
export const createTokenIssuer = (options: {
  readonly jwtKey: string
  readonly ttl: number
}): ((userId: string) => Promise<string>) => {
  const key = keyBytes(options.jwtKey)
  return (userId) =>
    new SignJWT()
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setSubject(userId)
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime(`${options.ttl}s`)
      .sign(key)
}

/**
 * Lets only the sidecar in: daprd sends the token of `dapr.io/app-token-secret` with every request to its app. Without a token, for a worker
 * that runs outside a cluster, everybody is let in.
 */
export const sidecarGuard =
  (appToken: string | undefined): ((headers: Readonly<Record<string, unknown>>) => void) =>
  (headers) => {
    if (appToken === undefined) return
    const given = headers['dapr-api-token']
    if (typeof given !== 'string' || !sameSecret(given, appToken)) {
      throw new HttpProblem('UNAUTHENTICATED', 'events are taken from the Dapr sidecar only')
    }
  }

const unauthenticated = (detail: string): HttpProblem =>
  new HttpProblem('UNAUTHENTICATED', detail, { headers: { 'www-authenticate': 'Bearer' } })

/** Compares secrets in a time that does not depend on where they differ. */
const sameSecret = (given: string, expected: string): boolean => {
  const a = Buffer.from(given)
  const b = Buffer.from(expected)
  return a.length === b.length && timingSafeEqual(a, b)
}

/**
 * Reads `Authorization: Bearer …`. Rejects with UNAUTHENTICATED when it is missing, malformed, expired or not ours. The
 * service token is accepted only where one is given.
 */
export const createAuthenticator = (options: {
  readonly jwtKey: string
  readonly serviceToken?: string
}): ((authorization: string | undefined) => Promise<Principal>) => {
  const key = keyBytes(options.jwtKey)
  const { serviceToken } = options
  return async (authorization) => {
    const token = /^Bearer ([^\s]+)$/i.exec(authorization ?? '')?.[1]
    if (token === undefined) throw unauthenticated('send "Authorization: Bearer <token>"')
    if (serviceToken !== undefined && sameSecret(token, serviceToken)) return { kind: 'service' }
    try {
      const { payload } = await jwtVerify(token, key, { algorithms: ['HS256'], issuer, audience })
      if (payload.sub === undefined) throw new TypeError('no subject')
      return { kind: 'user', userId: payload.sub }
    } catch {
      throw unauthenticated('the token is not valid or has expired; log in again')
    }
  }
}
