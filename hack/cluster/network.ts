import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run, succeeds } from './command.ts'
import { RULE_COMMENT, settings } from './settings.ts'

/** Folder of the CNI configuration below the state folder. */
export const cniConfigurationFolder = (stateDir: string): string => join(stateDir, 'cni/net.d')

/** Where Debian installs the CNI plugins. */
export const CNI_PLUGINS = '/usr/lib/cni'

/** Prefix of the CNI network's name; libcni names its result files after it. */
export const CNI_NETWORK = 'todochatbot-dev'

/**
 * Kernel settings the cluster changes: what it sets itself, what kube-proxy and the kubelet set on their own. `down`
 * writes back what was there.
 */
const KERNEL_SETTINGS: Readonly<Record<string, string | undefined>> = {
  'net/ipv4/ip_forward': '1',
  'net/bridge/bridge-nf-call-iptables': '1',
  'net/bridge/bridge-nf-call-ip6tables': '1',
  'net/ipv4/conf/all/route_localnet': undefined,
  'vm/overcommit_memory': undefined,
  'vm/panic_on_oom': undefined,
  'kernel/panic': undefined,
  'kernel/panic_on_oops': undefined,
  'kernel/keys/root_maxkeys': undefined,
  'kernel/keys/root_maxbytes': undefined,
}

/** Creates the bridge, the forwarding rules and the CNI configuration; leaves alone what is there. Needs root. */
export async function ensureNetwork(stateDir: string): Promise<void> {
  if (!(await exists('/proc/sys/net/bridge'))) await run('modprobe', ['br_netfilter'])
  await saveAndSetKernel(stateDir)
  if (!(await exists(`/sys/class/net/${settings.bridge}`))) {
    await run('ip', ['link', 'add', settings.bridge, 'type', 'bridge'])
  }
  const prefix = settings.podRange.split('/')[1] ?? ''
  await run('ip', ['address', 'replace', `${settings.address}/${prefix}`, 'dev', settings.bridge])
  await run('ip', ['link', 'set', settings.bridge, 'up'])
  // Before kube-proxy knows a new Service, its address must lead nowhere: by the default route, whatever proxy the machine is behind may answer for
  // it, and kube-apiserver would keep that connection. Goes with the bridge.
  await run('ip', ['route', 'replace', settings.serviceRange, 'dev', settings.bridge])
  for (const rule of await applicableRules()) {
    if (!(await isThere(rule))) await run(rule.program, ruleArgs('-A', rule))
  }
  await writeCniConfiguration(stateDir)
}

/** Removes the rules, the bridge with every interface on it and the leftovers of CNI; a part that is gone is fine. */
export async function removeNetwork(stateDir: string): Promise<void> {
  for (const rule of await applicableRules()) {
    while (await isThere(rule)) await run(rule.program, ruleArgs('-D', rule))
  }
  if (await exists(`/sys/class/net/${settings.bridge}`)) {
    const ports = await run('ls', [`/sys/class/net/${settings.bridge}/brif`])
    // A pod's end of the pair goes with the host's end.
    for (const port of ports.split('\n').filter(Boolean)) await succeeds('ip', ['link', 'delete', port])
    await run('ip', ['link', 'delete', settings.bridge])
  }
  const saved = await readFile(join(stateDir, 'kernel-settings.json'), 'utf8').catch(() => '{}')
  for (const [name, value] of Object.entries(JSON.parse(saved) as Record<string, string>)) {
    await writeFile(`/proc/sys/${name}`, value).catch(() => undefined)
  }
}

interface Rule {
  readonly program: 'iptables' | 'ip6tables'
  readonly table: 'filter' | 'nat'
  readonly chain: string
  readonly match: readonly string[]
}

/**
 * Docker and other programs set the FORWARD policy to DROP; and pods reach the world under the machine's address. Pods
 * have no IPv6 but the link-local addresses that the kernel gives to every interface: no Service and no NetworkPolicy
 * knows those, so nothing passes between them.
 */
const RULES: readonly Rule[] = [
  { program: 'iptables', table: 'filter', chain: 'FORWARD', match: ['-i', settings.bridge, '-j', 'ACCEPT'] },
  { program: 'iptables', table: 'filter', chain: 'FORWARD', match: ['-o', settings.bridge, '-j', 'ACCEPT'] },
  {
    program: 'iptables',
    table: 'nat',
    chain: 'POSTROUTING',
    match: ['-s', settings.podRange, '!', '-d', settings.podRange, '!', '-o', settings.bridge, '-j', 'MASQUERADE'],
  },
  { program: 'ip6tables', table: 'filter', chain: 'FORWARD', match: ['-i', settings.bridge, '-j', 'DROP'] },
  { program: 'ip6tables', table: 'filter', chain: 'INPUT', match: ['-i', settings.bridge, '-j', 'DROP'] },
]

/** The rules for the protocols this machine speaks. */
const applicableRules = async (): Promise<readonly Rule[]> =>
  (await exists('/proc/net/if_inet6')) ? RULES : RULES.filter(({ program }) => program === 'iptables')

const ruleArgs = (action: '-A' | '-C' | '-D', rule: Rule): string[] => [
  ...['-w', '10', '-t', rule.table, action, rule.chain, '-m', 'comment', '--comment', RULE_COMMENT],
  ...rule.match,
]

const isThere = (rule: Rule): Promise<boolean> => succeeds(rule.program, ruleArgs('-C', rule))

/** Saves the values once per cluster: a second run must not save what the first one set. */
async function saveAndSetKernel(stateDir: string): Promise<void> {
  const path = join(stateDir, 'kernel-settings.json')
  if (!(await exists(path))) {
    const values: Record<string, string> = {}
    for (const name of Object.keys(KERNEL_SETTINGS)) {
      const value = await readFile(`/proc/sys/${name}`, 'utf8').catch(() => undefined)
      if (value !== undefined) values[name] = value.trim()
    }
    await writeFile(path, JSON.stringify(values, null, 2))
  }
  for (const [name, value] of Object.entries(KERNEL_SETTINGS)) {
    if (value !== undefined && (await exists(`/proc/sys/${name}`))) await writeFile(`/proc/sys/${name}`, value)
  }
}

async function writeCniConfiguration(stateDir: string): Promise<void> {
  const folder = cniConfigurationFolder(stateDir)
  await mkdir(folder, { recursive: true })
  const configuration = {
    cniVersion: '1.0.0',
    name: CNI_NETWORK,
    plugins: [
      {
        type: 'bridge',
        bridge: settings.bridge,
        isGateway: true,
        hairpinMode: true,
        ipam: {
          type: 'host-local',
          dataDir: join(stateDir, 'cni/addresses'),
          ranges: [[{ subnet: settings.podRange, rangeStart: '10.61.1.0', gateway: settings.address }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
    ],
  }
  await writeFile(join(folder, '10-dev.conflist'), JSON.stringify(configuration, null, 2))
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
