import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { arbitraryName, arbitrarySpec } from '../../test/support/arbitrary-spec.ts'
import { aTodoChatbot, externalSpec, someFacts } from '../../test/support/builders.ts'
import { canonicalJson } from './hash.ts'
import { desire } from './index.ts'
import { stages } from './types.ts'

const systems = fc
  .record({ name: arbitraryName, spec: arbitrarySpec })
  .map(({ name, spec }) => aTodoChatbot(spec, { name }))
const facts = someFacts({ secretHashes: { 'my-database': 'a1', 'kafka-ca': 'b2' } })
/** What a system goes through: Deployments and topics appear, somebody scales by hand, KEDA comes, a worker is isolated, a Secret changes. */
const arbitraryFacts = fc
  .record({
    replicas: fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined }),
    asked: fc.constantFrom('1', '2', 'autoscaler', undefined),
    partitions: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
    keda: fc.boolean(),
    secret: fc.constantFrom('a1', 'a2'),
    isolated: fc.boolean(),
  })
  .map(({ replicas, asked, partitions, keda, secret, isolated }) =>
    someFacts({
      secretHashes: { 'my-database': secret },
      active: {
        debug: [],
        boost: [],
        ...(isolated ? { isolated: { audit: { mode: 'ScaleDown' as const, cutOff: [] } } } : {}),
      },
      scale: {
        live: replicas === undefined ? {} : { audit: { replicas, ...(asked === undefined ? {} : { asked }) } },
        partitions: partitions === undefined ? {} : { taskEvents: partitions },
        keda,
      },
    }),
  )

/** Checks a property of the desired objects over all modes, profiles and names. */
const always = (check: (objects: ReturnType<typeof desire>, bot: ReturnType<typeof aTodoChatbot>) => void): void =>
  fc.assert(
    fc.property(systems, (bot) => {
      check(desire(bot, facts), bot)
    }),
    { numRuns: 50 },
  )

describe('the desired objects of any system', () => {
  test('are the same for the same resource and facts', () =>
    always((objects, bot) => expect(canonicalJson(desire(structuredClone(bot), facts))).toBe(canonicalJson(objects))))

  test('are the same whatever was found before, hashes included', () =>
    fc.assert(
      fc.property(systems, fc.array(arbitraryFacts, { minLength: 2, maxLength: 6 }), (bot, found) => {
        for (const now of found)
          expect(canonicalJson(desire(bot, now))).toBe(canonicalJson(desire(structuredClone(bot), now)))
      }),
      { numRuns: 50 },
    ))

  test('are plain JSON: nothing is lost on the way to the API server', () =>
    always((objects) => expect(JSON.parse(JSON.stringify(objects))).toEqual(objects)))

  test('have a namespace, an owner, and the labels informers select by', () =>
    always((objects, bot) => {
      for (const { object } of objects) {
        expect(object.metadata).toMatchObject({
          namespace: 'todo-app',
          labels: {
            'app.kubernetes.io/managed-by': 'todochatbot-operator',
            'app.kubernetes.io/part-of': 'todochatbot',
            'app.kubernetes.io/instance': bot.metadata.name,
          },
          ownerReferences: [{ kind: 'TodoChatbot', uid: bot.metadata.uid, controller: true, blockOwnerDeletion: true }],
        })
      }
    }))

  test('have names that are DNS labels and unique within their kind', () =>
    always((objects) => {
      const ids = objects.map(({ object }) => `${object.kind}/${object.metadata.name}`)
      expect(new Set(ids).size).toBe(ids.length)
      for (const { object } of objects) expect(object.metadata.name).toMatch(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/)
    }))

  test('hold no secret value outside of Secrets', () =>
    always((objects) => {
      const open = objects.filter(({ object }) => object.kind !== 'Secret')
      for (const value of Object.values(facts.credentials)) expect(JSON.stringify(open)).not.toContain(value)
    }))

  test('carry a hash unless they are created once, and only Secrets and Jobs are', () =>
    always((objects) => {
      for (const { policy, object } of objects) {
        expect(policy).toBe(['Secret', 'Job'].includes(object.kind) ? 'CreateOnce' : 'Apply')
        expect(object.metadata.annotations?.['todochatbot.dev/hash'] !== undefined).toBe(policy === 'Apply')
      }
    }))

  test('come in the order of the stages', () =>
    always((objects) => {
      const order = objects.map(({ stage }) => stages.indexOf(stage))
      expect(order).toEqual(order.toSorted((a, b) => a - b))
    }))

  test('run nothing as root, nothing with a token, nothing with a writable root file system', () =>
    always((objects) => {
      const pods = objects.flatMap(({ object }) => {
        const spec = object['spec'] as { template?: { spec: Record<string, unknown> } } | undefined
        return spec?.template === undefined ? [] : [spec.template.spec]
      })
      expect(pods.length).toBeGreaterThanOrEqual(5)
      for (const pod of pods) {
        expect(pod).toMatchObject({
          automountServiceAccountToken: false,
          securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
        })
        for (const container of pod['containers'] as Record<string, unknown>[]) {
          expect(container['securityContext']).toEqual({
            allowPrivilegeEscalation: false,
            capabilities: { drop: ['ALL'] },
            readOnlyRootFilesystem: true,
            runAsNonRoot: true,
          })
          expect(container).toMatchObject({
            resources: { requests: { cpu: expect.any(String), memory: expect.any(String) } },
          })
        }
      }
    }))
})

describe('the list of a system', () => {
  const kinds = (spec: Parameters<typeof aTodoChatbot>[0]): Record<string, number> => {
    const counts: Record<string, number> = {}
    for (const { object } of desire(aTodoChatbot(spec), facts)) counts[object.kind] = (counts[object.kind] ?? 0) + 1
    return counts
  }

  test('with everything Embedded', () =>
    expect(kinds({})).toEqual({
      ...{ ServiceAccount: 8, Secret: 4, ConfigMap: 9, Service: 7, StatefulSet: 3, Deployment: 4, Job: 1 },
      ...{ Configuration: 1, Component: 2, Resiliency: 1, Subscription: 4 },
    }))

  test('with everything External', () =>
    expect(kinds(externalSpec)).toEqual({
      ...{ ServiceAccount: 5, Secret: 2, ConfigMap: 9, Service: 4, Deployment: 4, Job: 1 },
      ...{ Configuration: 1, Component: 2, Resiliency: 1, Subscription: 4 },
    }))
})
