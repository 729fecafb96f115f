import { readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { cached } from './build-cache.ts'
import { run } from './command.ts'
import { contentHash } from './content-hash.ts'

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
  const hash = await contentHash({
    values: { flags: JSON.stringify(await buildFlags()) },
    files: Object.fromEntries(SOURCES.map((name) => [name, join(MODULE, name)])),
  })
  const folder = await cached('go', hash, async (draft) => {
    await build(draft, onProgress)
    for (const [binary, names] of Object.entries(NAMES)) {
      for (const name of names) await symlink(binary, join(draft, name))
    }
  })
  return { folder, hash }
}

/** Where a module of the build lies on disk: Dapr's chart and CRDs come with its module. */
export async function goModuleFolder(module: string): Promise<string> {
  const folder = await run('go', ['list', '-m', '-f', '{{.Dir}}', module], { cwd: MODULE, env: environment })
  if (folder.trim() !== '') return folder.trim()
  await run('go', ['mod', 'download', module], { cwd: MODULE, env: environment, timeout: 300_000 })
  return (await run('go', ['list', '-m', '-f', '{{.Dir}}', module], { cwd: MODULE, env: environment })).trim()
}

/** The oldest Go that builds the module, for example 1.26.4. */
export async function requiredGoVersion(): Promise<string> {
  return versionOf(await goMod(), /^go (\S+)$/m)
}

/** The version of a module in go.mod without its v, for example 1.18.1. */
export async function goModuleVersion(module: string): Promise<string> {
  return versionOf(await goMod(), new RegExp(`^\\s*${module.replaceAll('.', '\\.')} v(\\S+)`, 'm'))
}

const environment = { CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOFLAGS: '-buildvcs=false' }

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

async function build(output: string, onProgress: (done: number, total: number) => void): Promise<void> {
  // The compiler is a Go program that lives for seconds: collecting its garbage less often saves a sixth of the CPU, for
  // some 150 MB per compiler.
  const options = { cwd: MODULE, env: { ...environment, GOGC: '400' }, timeout: 30 * 60_000 }
  const packages = Object.keys(NAMES).map((name) => `./${name}`)
  const total = (await run('go', ['list', '-deps', ...packages], options)).trim().split('\n').length
  let done = 0
  const onLine = (line: string): void => {
    if (line.startsWith('go: ') || line.startsWith('#')) return
    done += 1
    onProgress(done, total)
  }
  await run('go', ['build', '-v', ...(await buildFlags()), '-o', `${output}/`, ...packages], { ...options, onLine })
}
