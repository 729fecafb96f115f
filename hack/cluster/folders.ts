import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** The root of this checkout. */
export const repository = resolve(import.meta.dirname, '../..')

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Where everything of a running cluster lives: data, sockets, logs, keys. `down` removes it.
 * Default /var/lib/todochatbot-dev; TODOCHATBOT_STATE_DIR overrides it.
 */
export function stateFolder(environment: Environment = process.env): string {
  return resolve(environment['TODOCHATBOT_STATE_DIR'] ?? '/var/lib/todochatbot-dev')
}

/**
 * Where what was built or downloaded is kept, by content hash, for every checkout and run of this user. Only
 * `down --purge` removes it. Default ~/.cache/todochatbot-operator; TODOCHATBOT_CACHE_DIR or XDG_CACHE_HOME override.
 */
export function cacheFolder(environment: Environment = process.env): string {
  const own = environment['TODOCHATBOT_CACHE_DIR']
  if (own !== undefined && own !== '') return resolve(own)
  const xdg = environment['XDG_CACHE_HOME']
  return join(xdg !== undefined && xdg !== '' ? xdg : join(homedir(), '.cache'), 'todochatbot-operator')
}
