import { z } from 'zod'
import { checked, described, duration, hostPort, objectName, secretKey, withRules } from './field.ts'
import { deletionPolicySchema, resourcesSchema, secretKeyRefSchema, storageSchema } from './resources.ts'

const poolSchema = checked(
  described(
    z.strictObject({
      min: described(
        z.int().min(0).max(100),
        'Connections kept open per worker pod, 0 to 100. Default by profile: Development 1, Staging 2, Production 2.',
      ).optional(),
      max: described(
        z.int().min(1).max(200),
        'Most connections per worker pod, 1 to 200. Default by profile: Development 5, Staging 10, Production 20.',
      ).optional(),
    }),
    'Connection pool of each worker pod.',
  ),
  {
    rule: '!has(self.min) || !has(self.max) || self.min <= self.max',
    message: 'min must not be larger than max',
    holds: ({ min, max }) => min === undefined || max === undefined || min <= max,
  },
)

/** PostgreSQL. */
export const databaseSchema = checked(
  withRules(
    described(
      z.strictObject({
        mode: described(
          z.enum(['Embedded', 'External']).default('Embedded'),
          'Embedded runs one PostgreSQL in a StatefulSet; External uses the connection string in secretRef. Cannot be changed: the data would stay behind.',
        ),
        secretRef: described(
          z.strictObject({
            name: objectName('Name of a Secret in the same namespace.'),
            key: secretKey('Key of the connection string of the workers, postgresql://…').default('uri'),
            ownerKey: secretKey(
              'Key of the connection string of the migrations, whose role owns the schema; the same as key when absent.',
            ).optional(),
          }),
          'Connection strings of an External PostgreSQL.',
        ).optional(),
        pool: poolSchema.optional(),
        statementTimeout: duration('Longest statement of a worker', { min: 100, max: 600_000 }).default('5s'),
        slowQueryThreshold: duration('Statements slower than this are logged', { min: 1, max: 600_000 }).default(
          '200ms',
        ),
        deletionPolicy: deletionPolicySchema('the volume of an Embedded PostgreSQL'),
        storage: storageSchema.prefault({}),
        resources: resourcesSchema.optional(),
      }),
      'PostgreSQL: tasks, events waiting to be sent, reminders and the audit log.',
    ),
    {
      rule: 'self.mode == oldSelf.mode',
      message:
        'database.mode cannot be changed: the data of the present database would stay behind; create another TodoChatbot instead',
    },
  ),
  {
    rule: "self.mode != 'External' || has(self.secretRef)",
    message: 'database.mode External needs secretRef with the name of a Secret that holds a connection string',
    path: ['secretRef'],
    holds: ({ mode, secretRef }) => mode !== 'External' || secretRef !== undefined,
  },
  {
    rule: "self.mode == 'External' || !has(self.secretRef)",
    message:
      'secretRef belongs to database.mode External; remove it or set mode: External when the resource is created',
    path: ['secretRef'],
    holds: ({ mode, secretRef }) => mode === 'External' || secretRef === undefined,
  },
)

/** Redis behind the Dapr state store. */
export const stateStoreSchema = checked(
  withRules(
    described(
      z.strictObject({
        mode: described(
          z.enum(['Embedded', 'External']).default('Embedded'),
          'Embedded runs one Redis in a StatefulSet; External uses the server in host. Cannot be changed.',
        ),
        host: hostPort('Server of an External Redis, host:port.').optional(),
        tls: described(z.boolean().default(false), 'Whether the connection to an External Redis uses TLS.'),
        secretRef: secretKeyRefSchema('Password of an External Redis; none when absent.', 'password').optional(),
        deletionPolicy: deletionPolicySchema('the volume of an Embedded Redis'),
        storage: storageSchema.prefault({}),
        resources: resourcesSchema.optional(),
      }),
      'State store: the short memory of the chat. Losing it loses no task.',
    ),
    {
      rule: 'self.mode == oldSelf.mode',
      message: 'stateStore.mode cannot be changed; create another TodoChatbot instead',
    },
  ),
  {
    rule: "self.mode != 'External' || has(self.host)",
    message: 'stateStore.mode External needs host, such as redis.example.com:6379',
    path: ['host'],
    holds: ({ mode, host }) => mode !== 'External' || host !== undefined,
  },
  {
    rule: "self.mode == 'External' || (!has(self.host) && !has(self.secretRef) && !self.tls)",
    message:
      'host, tls and secretRef belong to stateStore.mode External; remove them or set mode: External when the resource is created',
    holds: ({ mode, host, secretRef, tls }) =>
      mode === 'External' || (host === undefined && secretRef === undefined && !tls),
  },
)

/** Database part of a spec as the API server stores it. */
export type Database = z.output<typeof databaseSchema>
/** State store part of a spec as the API server stores it. */
export type StateStore = z.output<typeof stateStoreSchema>
