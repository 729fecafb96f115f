import { names } from '../api/v1alpha1/names.ts'
import { quantityValue } from '../api/v1alpha1/quantities.ts'
import { paths, probe, secretMode } from './pod.ts'
import { statefulSet } from './stateful-set.ts'
import type { Desire } from './types.ts'

/** Answers PONG only when the data is loaded. The password goes through the environment of this one process, not through its arguments. */
const answers = {
  exec: {
    command: [
      'sh',
      '-c',
      `REDISCLI_AUTH="$(cat ${paths.secrets}/password)" redis-cli -h 127.0.0.1 ping | grep -q PONG`,
    ],
  },
}

/** Share of the container's memory Redis may fill; the rest is for rewriting the append-only file. */
const fill = 0.6

/** One Redis. */
export const redis: Desire = (input) => {
  const { metadata, spec } = input.bot
  const { mode, storage, resources, deletionPolicy } = spec.stateStore
  if (mode !== 'Embedded') return []
  const secret = names.redisSecret(metadata.name)
  const bytes = Math.floor(quantityValue(resources.limits?.memory ?? '128Mi') * fill)
  return [
    statefulSet(input, {
      name: 'redis',
      dataPath: '/data',
      storage,
      deletionPolicy,
      resources,
      args: ['--maxmemory', String(bytes)],
      env: [],
      probes: {
        startupProbe: probe(answers, 1, 120, 5),
        readinessProbe: probe(answers, 5, 3, 5),
        livenessProbe: probe({ tcpSocket: { port: 'redis' } }, 10, 6, 5),
      },
      gracePeriodSeconds: 30,
      secrets: [secret],
      volumes: [
        {
          volume: {
            name: 'secrets',
            secret: { secretName: secret, defaultMode: secretMode, items: [{ key: 'password', path: 'password' }] },
          },
          mountPath: paths.secrets,
          readOnly: true,
        },
      ],
    }),
  ]
}
