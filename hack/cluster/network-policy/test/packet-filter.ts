import { ENTRY } from '../chains.ts'
import type { Chains, Match } from '../chains.ts'
import { contains } from './connection.ts'
import type { Connection } from './connection.ts'

/** What the kernel does with a packet of a tracked connection that enters at a chain. */
export function passes(chains: Chains, connection: Connection, entry = ENTRY): boolean {
  const packet = { allowed: false }
  return walk(chains, entry, connection, packet, 0) !== 'Dropped'
}

function walk(
  chains: Chains,
  name: string,
  connection: Connection,
  packet: { allowed: boolean },
  depth: number,
): 'Dropped' | 'Returned' {
  const rules = chains.get(name)
  if (rules === undefined) throw new Error(`a rule jumps to ${name}, which does not exist`)
  if (depth > 10) throw new Error(`the chains go round in a circle at ${name}`)
  for (const { match, action } of rules) {
    if (!matches(match, connection, packet)) continue
    if (action === 'Drop') return 'Dropped'
    if (action === 'Return') return 'Returned'
    if (action === 'Allow') packet.allowed = true
    else if (action === 'Forget') packet.allowed = false
    else if (walk(chains, action.jump, connection, packet, depth + 1) === 'Dropped') return 'Dropped'
  }
  return 'Returned'
}

function matches(match: Match, connection: Connection, packet: { readonly allowed: boolean }): boolean {
  if (match.untracked || match.reply || match.sentTo !== undefined) return false
  if (match.from !== undefined && !contains(match.from, connection.from)) return false
  if (match.to !== undefined && !contains(match.to, connection.to)) return false
  if (match.protocol !== undefined && match.protocol !== connection.protocol) return false
  if (match.allowed === false && packet.allowed) return false
  if (match.port === undefined) return true
  const [first = 0, last = first] = match.port.split(':').map(Number)
  return connection.port >= first && connection.port <= last
}
