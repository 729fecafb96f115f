import { names } from '../api/v1alpha1/names.ts'
import { paths, probe, scratchVolume, secretMode } from './pod.ts'
import { embeddedDatabase } from './secrets.ts'
import { statefulSet } from './stateful-set.ts'
import type { Desire } from './types.ts'

/**
 * Asks over TCP: while the image prepares roles and passwords, its server listens on a socket only, so the pod is not ready before the
 * passwords of the Secret are in force. No password is needed to ask.
 */
const accepts = {
  exec: {
    command: [
      'pg_isready',
      '--quiet',
      '--host=127.0.0.1',
      `--dbname=${embeddedDatabase.name}`,
      `--username=${embeddedDatabase.appRole}`,
    ],
  },
}

/** One PostgreSQL. */
export const postgresql: Desire = (input) => {
  const { metadata, spec } = input.bot
  const { mode, storage, resources, deletionPolicy } = spec.database
  if (mode !== 'Embedded') return []
  const secret = names.databaseSecret(metadata.name)
  return [
    statefulSet(input, {
      name: 'postgresql',
      dataPath: '/var/lib/postgresql/data',
      storage,
      deletionPolicy,
      resources,
      env: [{ name: 'POSTGRES_DB', value: embeddedDatabase.name }],
      probes: {
        startupProbe: probe(accepts, 1, 300, 5),
        readinessProbe: probe(accepts, 5, 3, 5),
        // The port is open during crash recovery as well: a restart there would only start the recovery anew.
        livenessProbe: probe({ tcpSocket: { port: 'postgresql' } }, 10, 6, 5),
      },
      gracePeriodSeconds: 60,
      secrets: [secret],
      volumes: [
        { volume: scratchVolume('run', '16Mi') as { name: string }, mountPath: '/run/postgresql' },
        {
          volume: {
            name: 'secrets',
            secret: {
              secretName: secret,
              defaultMode: secretMode,
              items: ['ownerPassword', 'appPassword'].map((key) => ({ key, path: key })),
            },
          },
          mountPath: paths.secrets,
          readOnly: true,
        },
      ],
    }),
  ]
}
