import { createHash } from 'node:crypto'
import type { Protocol } from './resources.ts'

/**
 * What a rule asks of a packet. Addresses and ports are those of the packet's *connection*, as connection tracking knows
 * it after Service addresses were translated: `from` opened it, `to` accepts it, whichever way this packet goes.
 */
export interface Match {
  /** Address or CIDR. */
  readonly from?: string
  readonly to?: string
  readonly protocol?: Protocol
  /** Port at `to`, or `first:last`. */
  readonly port?: string
  /** Whether the packet has been marked as allowed. */
  readonly allowed?: false
  /** Belongs to no connection that could be judged. */
  readonly untracked?: true
  /** Which way the packet goes in its connection. */
  readonly reply?: true
  /** The packet's own addresses, for those without a connection. */
  readonly source?: string
  readonly destination?: string
  /** Sent to everybody on the bridge. */
  readonly sentTo?: 'broadcast' | 'multicast'
}

/** What becomes of a packet that matches; Allow and Forget set and clear a mark and go on. */
export type Action = 'Drop' | 'Return' | 'Allow' | 'Forget' | { readonly jump: string }

export interface Rule {
  readonly match: Match
  readonly action: Action
  /** For people who read the table. */
  readonly comment?: string
}

/** Begins the name of every chain of this engine; `down` removes what carries it. */
export const CHAIN_PREFIX = 'DEVPOL'

/** Where FORWARD, INPUT and OUTPUT hand packets over. */
export const ENTRY = CHAIN_PREFIX
export const ENTRY_IN = `${CHAIN_PREFIX}-IN`
export const ENTRY_OUT = `${CHAIN_PREFIX}-OUT`

/** Chains by name. */
export type Chains = ReadonlyMap<string, readonly Rule[]>

/**
 * Collects chains that are named after what is in them, the chains they jump to included. Equal chains are one, and two
 * tables whose entries jump to the same name are the same.
 */
export interface ChainSet {
  /** @returns the chain's name. @param kind one letter for people who read the table. */
  add(kind: string, rules: readonly Rule[]): string
  readonly chains: Map<string, readonly Rule[]>
}

/** An empty set. */
export function chainSet(): ChainSet {
  const chains = new Map<string, readonly Rule[]>()
  return {
    chains,
    add(kind, rules) {
      const hash = createHash('sha256').update(JSON.stringify(rules)).digest('hex').slice(0, 16)
      const name = `${CHAIN_PREFIX}-${kind}-${hash}`
      chains.set(name, rules)
      return name
    },
  }
}
