import { describe, expect, test } from 'vitest'
import { ConfigError, loadConfig } from './config.ts'

const environment = {
  KUBERNETES_SERVICE_HOST: '10.0.0.1',
  OPERAND_IMAGE_WORKERS: 'w',
  OPERAND_IMAGE_BACKUP: 'b',
  OPERAND_IMAGE_KAFKA: 'k',
  OPERAND_IMAGE_POSTGRESQL: 'p',
  OPERAND_IMAGE_REDIS: 'r',
}

describe('the environment', () => {
  test('needs little in a pod, and the result cannot be changed', () => {
    const config = loadConfig(environment)
    expect(config).toMatchObject({
      watchNamespaces: [],
      leaderElection: true,
      topicCheckPeriod: 30_000,
      concurrency: 12,
    })
    expect(Object.isFrozen(config)).toBe(true)
  })

  test('names several namespaces, separated by commas', () => {
    expect(loadConfig({ ...environment, WATCH_NAMESPACE: 'a, b,' }).watchNamespaces).toEqual(['a', 'b'])
  })

  test('KUBECONFIG wins over the service account', () => {
    expect(loadConfig({ ...environment, KUBECONFIG: '/k' }).cluster).toEqual({ kubeconfig: '/k' })
  })

  test.each([
    { name: 'a period without a unit', env: { RESYNC_PERIOD: '10' }, says: /RESYNC_PERIOD: .*such as/ },
    {
      name: 'a period that is too short',
      env: { TOPIC_CHECK_PERIOD: '1ms' },
      says: /TOPIC_CHECK_PERIOD: must be at least 100 ms/,
    },
    { name: 'a missing image', env: { OPERAND_IMAGE_KAFKA: undefined }, says: /OPERAND_IMAGE_KAFKA/ },
    { name: 'a port that does not exist', env: { METRICS_PORT: '70000' }, says: /METRICS_PORT/ },
    { name: 'no cluster at all', env: { KUBERNETES_SERVICE_HOST: '' }, says: /Set KUBECONFIG/ },
  ])('$name is refused with its name and what is allowed', ({ env, says }) => {
    expect(() => loadConfig({ ...environment, ...env })).toThrow(ConfigError)
    expect(() => loadConfig({ ...environment, ...env })).toThrow(says)
  })
})
