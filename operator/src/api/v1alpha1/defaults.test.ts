import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { arbitrarySpec } from '../../../test/support/arbitrary-spec.ts'
import { aTodoChatbot, externalSpec } from '../../../test/support/builders.ts'
import { openApiSchema } from './crd.ts'
import { todoChatbotDefinition } from './todochatbot-definition.ts'
import { withDefaults } from './defaults.ts'
import { profileDefaults } from './profiles.ts'
import { quantityValue } from './quantities.ts'
import { workerFields } from './schema/services.ts'

/** The description of a field of the CRD, such as `spec.database.pool.max`. */
const description = (path: string): string => {
  const at = path.split('.').reduce<unknown>((schema, name) => {
    const { properties } = schema as { properties: Record<string, unknown> }
    return properties[name]
  }, openApiSchema(todoChatbotDefinition))
  return (at as { description: string }).description
}

describe('defaults', () => {
  test('applied twice are the same as applied once', () => {
    fc.assert(
      fc.property(arbitrarySpec, (spec) => {
        const once = withDefaults(aTodoChatbot(spec))
        const again = withDefaults({ ...once, spec: once.spec })
        expect(again).toEqual(once)
      }),
    )
  })

  test('leave alone what the admin set', () => {
    const { spec } = withDefaults(
      aTodoChatbot({
        profile: 'Production',
        services: { audit: { replicas: 0, logLevel: 'error' } },
        database: { pool: { max: 3 } },
      }),
    )
    expect(spec.services.audit).toMatchObject({ replicas: 0, logLevel: 'error' })
    expect(spec.database.pool).toEqual({ min: 2, max: 3 })
  })

  test('never give a request above its limit, whichever of the two was set', () => {
    fc.assert(
      fc.property(arbitrarySpec, (spec) => {
        const { services, kafka, dapr } = withDefaults(aTodoChatbot(spec)).spec
        for (const { requests, limits } of [
          ...Object.values(services).map((one) => one.resources),
          kafka.resources,
          dapr.sidecarResources,
        ]) {
          for (const name of ['cpu', 'memory'] as const) {
            const [request, limit] = [requests?.[name], limits?.[name]]
            if (request !== undefined && limit !== undefined)
              expect(quantityValue(request)).toBeLessThanOrEqual(quantityValue(limit))
          }
        }
      }),
    )
  })

  test('never give a pool whose min exceeds its max', () => {
    expect(withDefaults(aTodoChatbot({ database: { pool: { min: 50 } } })).spec.database.pool).toEqual({
      min: 50,
      max: 50,
    })
    expect(
      withDefaults(aTodoChatbot({ profile: 'Production', database: { pool: { max: 1 } } })).spec.database.pool,
    ).toEqual({ min: 1, max: 1 })
  })

  test('replicate topics by profile where there are several brokers, and once on the Embedded one', () => {
    const replicas = (spec: Parameters<typeof aTodoChatbot>[0]) =>
      withDefaults(aTodoChatbot(spec)).spec.kafka.topics.taskEvents.replicas
    expect(replicas({ ...externalSpec, profile: 'Production' })).toBe(3)
    expect(replicas({ profile: 'Production' })).toBe(1)
  })
})

describe('kubectl explain states the same defaults per profile as the code applies', () => {
  const profiles = ['Development', 'Staging', 'Production'] as const

  test.each(workerFields)('replicas of %s', (field) => {
    const stated = profiles
      .map((profile) => `${profile} ${String(profileDefaults[profile].replicas[field])}`)
      .join(', ')
    expect(description(`spec.services.${field}.replicas`)).toContain(stated)
  })

  test.each(['min', 'max'] as const)('pool.%s', (bound) => {
    const stated = profiles.map((profile) => `${profile} ${String(profileDefaults[profile].pool[bound])}`).join(', ')
    expect(description(`spec.database.pool.${bound}`)).toContain(stated)
  })

  test('replication of topics, sampling and log levels', () => {
    const stated = (value: (profile: (typeof profiles)[number]) => string) =>
      profiles.map((profile) => `${profile} ${value(profile)}`).join(', ')
    expect(description('spec.kafka.topics.taskEvents.replicas')).toContain(
      stated((profile) => String(profileDefaults[profile].topicReplicas)),
    )
    expect(description('spec.dapr.tracing')).toContain(stated((profile) => profileDefaults[profile].samplingRate))
    expect(description('spec.update.minReady')).toContain(stated((profile) => profileDefaults[profile].minReady))
    expect(profiles.map((profile) => profileDefaults[profile].logLevel)).toEqual(['debug', 'info', 'info'])
    expect(description('spec.services.audit.logLevel')).toContain('Development debug, Staging and Production info')
  })
})
