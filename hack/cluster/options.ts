import { parseArgs } from 'node:util'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { stateFolder } from './folders.ts'

/** What the command line of up and down says. */
export interface Options {
  readonly profile: 'full' | 'control-plane'
  readonly provider: 'local' | 'kind'
  /** Whether `up` installs KEDA. */
  readonly keda: boolean
  /** Whether `up` installs the operator, applies the sample and plays the tour. */
  readonly operator: boolean
  readonly sample: boolean
  readonly tour: boolean
  readonly purge: boolean
  readonly help: boolean
  readonly stateDir: string
}

/** A command line that cannot be followed; the message says what is allowed. */
export class UsageError extends Error {
  override name = 'UsageError'
}

/** @throws UsageError naming the option and its allowed values. */
export function parseOptions(args: readonly string[], environment: NodeJS.ProcessEnv): Options {
  let values
  try {
    ;({ values } = parseArgs({
      args: [...args],
      options: {
        profile: { type: 'string', default: 'full' },
        provider: { type: 'string', default: 'local' },
        keda: { type: 'boolean', default: false },
        'no-operator': { type: 'boolean', default: false },
        'no-sample': { type: 'boolean', default: false },
        'no-tour': { type: 'boolean', default: false },
        purge: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }))
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
  const { profile, provider, keda } = values
  if (profile !== 'full' && profile !== 'control-plane') {
    throw new UsageError(`--profile ${profile}: there is no such profile; allowed: full, control-plane`)
  }
  if (provider !== 'local' && provider !== 'kind') {
    throw new UsageError(`--provider ${provider}: there is no such provider; allowed: local, kind`)
  }
  if (provider === 'kind' && profile === 'control-plane') {
    throw new UsageError('--profile control-plane runs on this machine itself: leave --provider out')
  }
  if (keda && provider === 'kind') {
    throw new UsageError('--keda installs what is built on this machine: leave --provider out')
  }
  if (keda && profile === 'control-plane') {
    throw new UsageError('--keda runs in pods, and --profile control-plane has none: leave one of them out')
  }
  const operator = !values['no-operator']
  const sample = operator && !values['no-sample']
  const tour = sample && !values['no-tour']
  const { purge, help } = values
  return { profile, provider, keda, operator, sample, tour, purge, help, stateDir: stateFolderOf(profile, environment) }
}

/** The two profiles run beside each other, so they do not share a folder; the small one needs no root. */
function stateFolderOf(profile: 'full' | 'control-plane', environment: NodeJS.ProcessEnv): string {
  if (profile === 'full' || environment['TODOCHATBOT_STATE_DIR'] !== undefined) return stateFolder(environment)
  const states = environment['XDG_STATE_HOME'] ?? join(homedir(), '.local/state')
  return join(states, 'todochatbot-control-plane')
}
