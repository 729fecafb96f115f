import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { redactObject } from './redact-objects.ts'
import { redactor } from './redact.ts'

const none = redactor([])
const header = Buffer.from('{"alg":"HS256"}').toString('base64url')
const jwt = `${header}.${Buffer.from('{"sub":"alice"}').toString('base64url')}.c2lnbmF0dXJl`

describe('well-known forms of secrets are taken out of text', () => {
  test.each([
    ['a password in a URI', 'connecting to postgres://app:hunter22@db:5432/todo', 'hunter22'],
    ['a password in a URI without a user', 'redis://:hunter22@redis:6379', 'hunter22'],
    ['a bearer token', 'authorization: Bearer abcdefghijkl', 'abcdefghijkl'],
    ['a JWT', `token=${jwt} accepted`, jwt],
    ['a JWT that nobody announced', `got ${jwt}`, jwt],
    ['a private key', '-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----', 'MIIEow'],
    ['a private key that was cut off', '-----BEGIN PRIVATE KEY-----\nMIIEow', 'MIIEow'],
    ['an access key', 'using AKIAIOSFODNN7EXAMPLE', 'AKIAIOSFODNN7EXAMPLE'],
    ['a password in JSON', '{"user":"app","password":"hunter22"}', 'hunter22'],
    ['a password in JSON inside JSON', JSON.stringify({ data: '{"db_password": "hunter22"}' }), 'hunter22'],
    ['a password in an assignment', 'PGPASSWORD=hunter22 psql', 'hunter22'],
  ])('%s', (_what, text, secret) => {
    expect(none(text)).not.toContain(secret)
    expect(none(text)).toContain('[redacted')
  })

  test.each([
    'GET /api/v1/tasks 200 in 12 ms',
    '{"level":"info","service":"todo-audit","requestId":"3f2a","msg":"secret santa list created"}',
    '{"secretName":"todo-database","tokenExpirationSeconds":3600}',
    'https://todo-chat-api.todo-app.svc:8000/health',
    '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
  ])('and nothing else: %s', (text) => expect(none(text)).toBe(text))

  test('a line that is made to be slow is not', { timeout: 60_000 }, () => {
    const hostile = `${'a.-'.repeat(200_000)}password${'eyJ-'.repeat(100_000)}${'x://'.repeat(100_000)}`
    const before = performance.now()
    none(hostile)
    // Quadratic would be hours.
    expect(performance.now() - before).toBeLessThan(30_000)
  })
})

describe('values of the mounted Secrets are taken out', () => {
  const value = 'p+ss/w"rd\\1'
  const redact = redactor([{ name: 'Secret/todo-database key appPassword', value }])
  test.each([
    ['as they are', value],
    ['as JSON writes them', JSON.stringify(value).slice(1, -1)],
    ['percent-encoded', encodeURIComponent(value)],
    ['base64', Buffer.from(value).toString('base64')],
  ])('%s', (_how, text) =>
    expect(redact(`before ${text} after`)).toBe('before [redacted: Secret/todo-database key appPassword] after'),
  )

  test('with the password of a connection string, wherever it turns up alone', () => {
    const uri = redactor([{ name: 'Secret/db key uri', value: 'postgres://app:s3cr3t-w0rd@db/todo' }])
    expect(uri('tried s3cr3t-w0rd')).toBe('tried [redacted: Secret/db key uri]')
  })

  test('but not certificates, user names, and words too short to be a secret', () => {
    const text = 'admin-user of todo trusts -----BEGIN CERTIFICATE-----'
    const values = [
      { name: 'Secret/a key username', value: 'admin-user' },
      { name: 'Secret/a key short', value: 'todo' },
      { name: 'Secret/a key ca.crt', value: '-----BEGIN CERTIFICATE-----\nMIIB' },
    ]
    expect(redactor(values)(text)).toBe(text)
  })

  test('whatever they are made of, and wherever they stand', () => {
    const secret = fc
      .string({ minLength: 6, maxLength: 40, unit: 'grapheme-ascii' })
      .filter((text) => text.trim() === text)
    fc.assert(
      fc.property(
        fc.array(secret, { minLength: 1, maxLength: 5 }),
        fc.string(),
        fc.string(),
        (secrets, before, after) => {
          const redacted = redactor(secrets.map((one, index) => ({ name: `${index}`, value: one })))(
            secrets.reduce((text, one) => `${text} ${one} `, before) + after,
          )
          const around = `${before} ${after} [redacted: 0123456789 private key password in URI JWT credentials access key value]`
          for (const one of secrets) if (!around.includes(one)) expect(redacted.split(' ')).not.toContain(one)
        },
      ),
    )
  })
})

describe('objects lose', () => {
  test('values of environment variables, and keep their names and references', () => {
    const container = {
      name: 'audit',
      env: [
        { name: 'API_KEY', value: 'x' },
        { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      ],
    }
    expect(redactObject({ spec: { containers: [container] } })).toEqual({
      spec: { containers: [{ name: 'audit', env: [{ name: 'API_KEY', value: '[redacted]' }, container.env[1]] }] },
    })
  })

  test('copies of themselves in annotations, and managedFields', () => {
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{"env":1}', other: 'stays' }
    expect(redactObject({ metadata: { name: 'a', annotations, managedFields: [{ manager: 'kubectl' }] } })).toEqual({
      metadata: {
        name: 'a',
        annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '[redacted]', other: 'stays' },
      },
    })
  })

  test('plain values of sensitive Dapr metadata', () => {
    const metadata = [
      { name: 'brokers', value: 'kafka:9092' },
      { name: 'saslPassword', value: 'hunter22' },
      { name: 'redisPassword', secretKeyRef: { name: 'todo-redis', key: 'password' } },
      { name: 'keyPrefix', value: 'namespace' },
    ]
    expect(redactObject({ spec: { metadata } })).toEqual({
      spec: { metadata: [metadata[0], { name: 'saslPassword', value: '[redacted]' }, metadata[2], metadata[3]] },
    })
  })
})
