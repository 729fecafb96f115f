import { run } from '../command.ts'
import { RULE_COMMENT } from '../settings.ts'
import { CHAIN_PREFIX, ENTRY, ENTRY_IN, ENTRY_OUT } from './chains.ts'
import type { Action, Chains, Match, Rule } from './chains.ts'

/**
 * Chains as text for `iptables-restore --noflush`, which puts a whole text into force at once or not at all, and the
 * question whether a table still holds them, answered from `iptables-save`.
 */

/** A bit of the packet mark that kube-proxy (0x4000), the kubelet (0x8000) and Docker leave alone. */
const ALLOWED_MARK = '0x10000/0x10000'

/** The first rule of each built-in chain: what comes before ours, kube-proxy's `ESTABLISHED` above all, would decide. */
function builtInJumps(bridge: string): Readonly<Record<string, string>> {
  const comment = `-m comment --comment ${RULE_COMMENT}`
  return {
    FORWARD: `${comment} -j ${ENTRY}`,
    INPUT: `-i ${bridge} ${comment} -j ${ENTRY_IN}`,
    OUTPUT: `-o ${bridge} ${comment} -j ${ENTRY_OUT}`,
  }
}

/** What a filter table holds, as far as it matters here. */
interface SavedTable {
  /** Rules of each chain, in order, as iptables-save writes them after `-A <chain> `. */
  readonly rules: ReadonlyMap<string, readonly string[]>
}

function parseSaved(saved: string): SavedTable {
  const rules = new Map<string, string[]>()
  for (const line of saved.split('\n')) {
    const declared = /^:(\S+) /.exec(line)?.[1]
    if (declared !== undefined) rules.set(declared, [])
    const appended = /^-A (\S+) (.*)$/.exec(line)
    if (appended) rules.get(appended[1] ?? '')?.push((appended[2] ?? '').replaceAll('"', '').trim())
  }
  return { rules }
}

const isOurs = (chain: string): boolean => chain === ENTRY || chain.startsWith(`${CHAIN_PREFIX}-`)

const jumpsToUs = (rule: string): boolean => isOurs(/ -j (\S+)$/.exec(` ${rule}`)?.[1] ?? '')

/**
 * Whether a table holds exactly these chains, reached first. Names stand for contents, so it is enough that the entries
 * name the right chains and that no chain lost or gained a rule.
 * @param saved output of `iptables-save -t filter`
 */
export function isInForce(chains: Chains, bridge: string, saved: string): boolean {
  const { rules } = parseSaved(saved)
  const reached = Object.entries(builtInJumps(bridge)).every(([chain, jump]) => {
    const ours = (rules.get(chain) ?? []).filter(jumpsToUs)
    return rules.get(chain)?.[0] === jump && ours.length === 1
  })
  const present = [...rules.keys()].filter(isOurs)
  const whole = [...chains].every(([name, wanted]) => rules.get(name)?.length === wanted.length)
  const named = (chains.get(ENTRY) ?? []).every(({ action }, index) => {
    return typeof action === 'string' || rules.get(ENTRY)?.[index]?.endsWith(`-j ${action.jump}`) === true
  })
  return reached && whole && named && present.length === chains.size
}

/** The text that makes a table hold exactly these chains, reached first, whatever it holds of ours before. */
export function restoreText(chains: Chains, bridge: string, saved: string): string {
  const { rules } = parseSaved(saved)
  const obsolete = [...rules.keys()].filter((name) => isOurs(name) && !chains.has(name))
  const jumps = Object.entries(builtInJumps(bridge)).flatMap(([chain, jump]) => {
    const present = (rules.get(chain) ?? []).filter(jumpsToUs)
    if (present.length === 1 && rules.get(chain)?.[0] === jump) return []
    return [...present.map((rule) => `-D ${chain} ${rule}`), `-I ${chain} 1 ${jump}`]
  })
  return [
    '*filter',
    // Naming a chain of one's own makes it, or empties it.
    ...[...chains.keys(), ...obsolete].map((name) => `:${name} - [0:0]`),
    ...[...chains].flatMap(([name, wanted]) => wanted.map((rule) => `-A ${name} ${ruleText(rule)}`)),
    ...jumps,
    ...obsolete.map((name) => `-X ${name}`),
    'COMMIT',
    '',
  ].join('\n')
}

/**
 * Makes the filter table hold exactly these chains, reached first; writes nothing when it does already.
 * @param inside command line that runs a program where the table is, for example in a network namespace
 * @returns whether it wrote.
 */
export async function putInForce(chains: Chains, bridge: string, inside: readonly string[] = []): Promise<boolean> {
  const iptables = (program: string, args: readonly string[], input = ''): Promise<string> => {
    const [first, ...rest] = [...inside, program, ...args]
    return run(first ?? program, rest, { input })
  }
  const saved = await iptables('iptables-save', ['-t', 'filter'])
  if (isInForce(chains, bridge, saved)) return false
  await iptables('iptables-restore', ['--noflush', '--wait=10'], restoreText(chains, bridge, saved))
  return true
}

/** A rule in the words of iptables, without its chain. */
export function ruleText({ match, action, comment }: Rule): string {
  const parts = [matchText(match)]
  if (comment !== undefined) parts.push(`-m comment --comment "${comment.slice(0, 200)}"`)
  parts.push(actionText(action))
  return parts.filter((part) => part !== '').join(' ')
}

function matchText(match: Match): string {
  const connection = [
    ...(match.reply ? ['--ctdir REPLY'] : []),
    ...(match.untracked ? ['--ctstate INVALID,UNTRACKED'] : []),
    ...(match.protocol === undefined ? [] : [`--ctproto ${PROTOCOL_NUMBERS[match.protocol]}`]),
    // The connection as its replies see it: its own source is whom they answer to, their source whom it really reached.
    ...(match.from === undefined ? [] : [`--ctorigsrc ${match.from}`]),
    ...(match.to === undefined ? [] : [`--ctreplsrc ${match.to}`]),
    ...(match.port === undefined ? [] : [`--ctreplsrcport ${match.port}`]),
  ]
  return [
    ...(match.source === undefined ? [] : [`-s ${match.source}`]),
    ...(match.destination === undefined ? [] : [`-d ${match.destination}`]),
    ...(match.sentTo === undefined ? [] : [`-m pkttype --pkt-type ${match.sentTo}`]),
    ...(connection.length === 0 ? [] : ['-m conntrack', ...connection]),
    ...(match.allowed === false ? [`-m mark ! --mark ${ALLOWED_MARK}`] : []),
  ].join(' ')
}

const PROTOCOL_NUMBERS = { TCP: 6, UDP: 17, SCTP: 132 } as const

function actionText(action: Action): string {
  switch (action) {
    case 'Drop':
      return '-j DROP'
    case 'Return':
      return '-j RETURN'
    case 'Allow':
      return `-j MARK --set-xmark ${ALLOWED_MARK}`
    case 'Forget':
      return '-j MARK --set-xmark 0x0/0x10000'
    default:
      return `-j ${action.jump}`
  }
}
