import { dependencyPorts, names } from '../api/v1alpha1/names.ts'
import { dependencyHost } from './dependencies.ts'
import { owned } from './object.ts'
import type { Desire, DesiredObject, DesireInput } from './types.ts'

/** Roles and database of the Embedded PostgreSQL; the image creates them (config/images/postgresql). */
export const embeddedDatabase = { name: 'todo', ownerRole: 'todo_owner', appRole: 'todo_app' } as const

const secret = (
  input: DesireInput,
  name: string,
  app: string,
  stringData: Readonly<Record<string, string>>,
): DesiredObject =>
  owned(input, {
    apiVersion: 'v1',
    kind: 'Secret',
    name,
    app,
    component: 'credentials',
    stage: 'Foundation',
    policy: 'CreateOnce',
    body: { type: 'Opaque', stringData },
  })

const databaseSecret = (input: DesireInput): DesiredObject => {
  const { ownerPassword, appPassword } = input.facts.credentials
  const place = `${dependencyHost(input.bot, 'postgresql')}:${String(dependencyPorts.postgresql)}/${embeddedDatabase.name}`
  return secret(input, names.databaseSecret(input.bot.metadata.name), 'postgresql', {
    ownerPassword,
    appPassword,
    ownerUri: `postgresql://${embeddedDatabase.ownerRole}:${encodeURIComponent(ownerPassword)}@${place}`,
    uri: `postgresql://${embeddedDatabase.appRole}:${encodeURIComponent(appPassword)}@${place}`,
  })
}

/**
 * Generated credentials. They are written when absent and never again, so the random material of the facts only counts the first time. A
 * Secret that is lost and made anew locks nobody out: PostgreSQL and Redis take the mounted passwords at every start, and the pods roll
 * because the hash of the Secret is part of their template.
 */
export const secrets: Desire = (input) => {
  const { bot, facts } = input
  const system = bot.metadata.name
  const { appToken, jwtKey, serviceToken, redisPassword } = facts.credentials
  return [
    secret(input, names.authSecret(system), 'todochatbot', { jwtKey, serviceToken }),
    secret(input, names.appTokenSecret(system), 'todochatbot', { token: appToken }),
    ...(bot.spec.database.mode === 'Embedded' ? [databaseSecret(input)] : []),
    ...(bot.spec.stateStore.mode === 'Embedded'
      ? [secret(input, names.redisSecret(system), 'redis', { password: redisPassword })]
      : []),
  ]
}
