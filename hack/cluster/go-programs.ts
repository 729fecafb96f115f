import { readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { cached } from './build-cache.ts'
import { run } from './command.ts'
import { contentHash } from './content-hash.ts'
import { goBuild, goEnvironment } from './go-build.ts'

/** Programs built from the Go module beside this file, by the names they are started by, in one folder. */
export interface GoPrograms {
  /** Holds etcd, the components of Kubernetes, metrics-server, daprd, coredns, pause. */
  readonly folder: string
  /** Content hash of the sources they were built from. */
  readonly hash: string
}

const MODULE = join(import.meta.dirname, 'go')
const SOURCES = ['go.mod', 'go.sum', 'kubernetes', 'dapr', 'coredns', 'pause']

/** Names each binary answers to; see the switch in its main.go. */
const NAMES = {
  kubernetes: [
    ...['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy', 'kubelet'],
    'metrics-server',
  ],
  dapr: ['operator', 'injector', 'sentry', 'placement', 'daprd'],
  coredns: [],
  pause: [],
} as const

/**
 * Builds the Go programs, or takes them from the cache: about ten minutes of two cores the first time, nothing after.
 * @param onProgress compiled packages and their approximate total.
 */
export async function goPrograms(
  onProgress: (done: number, total: number) => void = () => undefined,
): Promise<GoPrograms> {
  const flags = await buildFlags()
  const hash = await contentHash({
    values: { flags: JSON.stringify(flags) },
    files: Object.fromEntries(SOURCES.map((name) => [name, join(MODULE, name)])),
  })
  const folder = await cached('go', hash, async (draft) => {
    const packages = Object.keys(NAMES).map((name) => `./${name}`)
    await goBuild({ module: MODULE, packages, flags, output: draft, onProgress })
    for (const [binary, names] of Object.entries(NAMES)) {
      for (const name of names) await symlink(binary, join(draft, name))
    }
  })
  return { folder, hash }
}

/**
 * Where a module of a build lies on disk: Dapr's chart and CRDs come with its module.
 * @param main folder of the module that is built; default: the one of the cluster's programs
 */
export async function goModuleFolder(module: string, main = MODULE): Promise<string> {
  const options = { cwd: main, env: goEnvironment, timeout: 300_000 }
  const look = async (): Promise<string> => (await run('go', ['list', '-m', '-f', '{{.Dir}}', module], options)).trim()
  const folder = await look()
  if (folder !== '') return folder
  await run('go', ['mod', 'download', module], options)
  return look()
}

/** The oldest Go that builds the module, for example 1.26.4. */
export async function requiredGoVersion(): Promise<string> {
  return versionOf(await goMod(), /^go (\S+)$/m)
}

/** The version of a module in go.mod without its v, for example 1.18.1. */
export async function goModuleVersion(module: string): Promise<string> {
  return versionOf(await goMod(), new RegExp(`^\\s*${module.replaceAll('.', '\\.')} v(\\S+)`, 'm'))
}

const goMod = (): Promise<string> => readFile(join(MODULE, 'go.mod'), 'utf8')

function versionOf(goModText: string, pattern: RegExp): string {
  const version = pattern.exec(goModText)?.[1]
  if (version === undefined) throw new Error(`hack/cluster/go/go.mod has no line like ${pattern.source}`)
  return version
}

async function buildFlags(): Promise<string[]> {
  const text = await goMod()
  const kubernetes = versionOf(text, /^\s*k8s\.io\/kubernetes v(\S+)/m)
  const dapr = versionOf(text, /^\s*github\.com\/dapr\/dapr v(\S+)/m)
  const [major = '', minor = ''] = kubernetes.split('.')
  const variables = {
    'k8s.io/component-base/version.gitVersion': `v${kubernetes}`,
    'k8s.io/component-base/version.gitMajor': major,
    'k8s.io/component-base/version.gitMinor': minor,
    'github.com/dapr/dapr/pkg/buildinfo.version': dapr,
  }
  const stamps = Object.entries(variables).map(([name, value]) => `-X ${name}=${value}`)
  return ['-trimpath', '-ldflags', `-s -w ${stamps.join(' ')}`]
}
