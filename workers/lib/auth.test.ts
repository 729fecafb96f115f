import { SignJWT, UnsecuredJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { createAuthenticator, createTokenIssuer } from './auth.ts'

const jwtKey = Buffer.alloc(32, 1).toString('base64url')
const authenticate = createAuthenticator({ jwtKey, serviceToken: 'service-token' })
const claims = (key = jwtKey) =>
  new SignJWT({ sub: 'user-1' })
    .setIssuer('todochatbot')
    .setAudience('todochatbot-api')
    .setExpirationTime('1h')
    .setProtectedHeader({ alg: 'HS256' })
    .sign(Buffer.from(key, 'base64url'))

describe('authentication', () => {
  test('knows users by their token and machines by theirs', async () => {
    const token = await createTokenIssuer({ jwtKey, ttl: 60 })('user-1')
    expect(await authenticate(`Bearer ${token}`)).toEqual({ kind: 'user', userId: 'user-1' })
    expect(await authenticate('bearer service-token')).toEqual({ kind: 'service' })
  })

  test.each([
    ['no header', () => undefined],
    ['another scheme', () => 'Basic dXNlcjpwYXNz'],
    ['rubbish', () => 'Bearer rubbish'],
    ['an expired token', async () => `Bearer ${await createTokenIssuer({ jwtKey, ttl: -10 })('user-1')}`],
    ['a token of another key', async () => `Bearer ${await claims(Buffer.alloc(32, 2).toString('base64url'))}`],
    [
      'a token without signature',
      () =>
        `Bearer ${new UnsecuredJWT({ sub: 'user-1' }).setIssuer('todochatbot').setAudience('todochatbot-api').encode()}`,
    ],
    [
      'a token for another audience',
      async () =>
        `Bearer ${await new SignJWT({ sub: 'u' }).setIssuer('todochatbot').setAudience('other').setExpirationTime('1h').setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(jwtKey, 'base64url'))}`,
    ],
    ['nearly the service token', () => 'Bearer service-tokem'],
  ])('refuses %s', async (_what, header) => {
    await expect(authenticate(await header())).rejects.toMatchObject({
      status: 401,
      code: 'UNAUTHENTICATED',
      headers: { 'www-authenticate': 'Bearer' },
    })
  })

  test('does not take the service token where none is set', async () => {
    await expect(createAuthenticator({ jwtKey })('Bearer service-token')).rejects.toMatchObject({ status: 401 })
  })

  test('refuses to start with a key that is too short for HS256', () => {
    expect(() => createAuthenticator({ jwtKey: Buffer.alloc(16).toString('base64url') })).toThrow(/at least 32 bytes/)
  })
})
