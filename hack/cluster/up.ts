import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ensureControlPlane } from './control-plane.ts'
import { cacheFolder } from './folders.ts'
import { freePorts } from './free-ports.ts'
import { ensureFullCluster, ensureLocalCluster } from './full-cluster.ts'
import { goPrograms } from './go-programs.ts'
import { ensureKind, ensureKindCluster } from './kind.ts'
import { ensureOperator, ensureSample, sample } from './operator.ts'
import { UsageError, parseOptions } from './options.ts'
import type { Options } from './options.ts'
import { createProgress } from './progress.ts'
import type { Progress } from './progress.ts'
import { playTour } from '../tour/index.ts'

const USAGE = `Usage: ./hack/up [--profile full|control-plane] [--provider local|kind] [--keda] [--no-operator|--no-sample|--no-tour]

Builds what is not in the cache, starts a Kubernetes cluster on this machine, installs Dapr and the operator, applies
config/samples/development.yaml and plays a short tour. Run it again after an interruption, a crash or a change: what is
as it should be is left alone.

  --profile control-plane  only etcd and kube-apiserver, in seconds, without root; beside a full cluster if need be
  --provider kind          uses Docker and kind instead of programs on this machine
  --keda                   installs KEDA as well, which then scales by consumer lag; six minutes more the first time
  --no-operator            stops before the operator
  --no-sample              stops after the operator
  --no-tour                stops when the sample is Ready

Environment: TODOCHATBOT_STATE_DIR (default /var/lib/todochatbot-dev), TODOCHATBOT_CACHE_DIR (default ${cacheFolder()}).
`

async function up(options: Options): Promise<void> {
  const progress = createProgress((line) => console.log(line))
  if (options.profile === 'control-plane') return controlPlaneOnly(options.stateDir, progress)
  if (!options.operator) {
    await (options.provider === 'kind' ? ensureKind : ensureLocalCluster)(options.stateDir, progress, options)
    progress.say(`The cluster runs (${progress.elapsed().toFixed(0)} s). Stop it with ./hack/down.`)
    return
  }
  const start = options.provider === 'kind' ? ensureKindCluster : ensureFullCluster
  const cluster = await start(options.stateDir, progress, options)
  await progress.step('operator', () => ensureOperator(cluster))
  if (options.sample) {
    await progress.step(`sample ${sample.namespace}/${sample.name} Ready`, (note) => ensureSample(cluster, note))
  }
  if (options.tour) await playTour({ cluster, url: sample.url, say: (line) => progress.say(line) })
  progress.say('')
  progress.say(`The cluster runs (${progress.elapsed().toFixed(0)} s). Stop it with ./hack/down.`)
  if (!options.sample) return
  progress.say(`  chat-api           ${sample.url}  (OpenAPI at ${sample.url}/openapi.json)`)
  progress.say(`  the system         ./hack/kubectl -n ${sample.namespace} get todochatbot,pods`)
  progress.say(`  why is it (not) ready   ./hack/kubectl -n ${sample.namespace} describe todochatbot ${sample.name}`)
  progress.say(`  its events         ./hack/kubectl -n ${sample.namespace} get events --sort-by=.lastTimestamp`)
  progress.say(`  a worker's log     ./hack/kubectl -n ${sample.namespace} logs deploy/${sample.name}-chat-api -f`)
  progress.say(`  the operator's log ./hack/kubectl -n todochatbot-system logs deploy/todochatbot-operator -f`)
}

/** The ports are chosen once and kept in the state folder, so that a second run finds what the first one started. */
async function controlPlaneOnly(stateDir: string, progress: Progress): Promise<void> {
  await mkdir(stateDir, { recursive: true })
  const { folder: programs } = await progress.step('Go programs: Kubernetes, etcd', (note) =>
    goPrograms((done, total) => note(`${done} of ${total} packages`)),
  )
  const path = join(stateDir, 'ports.json')
  const known = await readFile(path, 'utf8').catch(() => undefined)
  const [api = 0, etcd = 0, etcdPeer = 0] = known === undefined ? await freePorts(3) : (JSON.parse(known) as number[])
  await writeFile(path, JSON.stringify([api, etcd, etcdPeer]))
  const plane = await progress.step('etcd and kube-apiserver', () =>
    ensureControlPlane({
      stateDir,
      programs,
      lifetime: 'Detached',
      address: '127.0.0.1',
      ports: { api, etcd, etcdPeer },
      serviceRange: '10.255.0.0/16',
      forPods: false,
      audit: true,
    }),
  )
  progress.say(`kube-apiserver answers at ${plane.url}. Use it with KUBECONFIG=${plane.kubeconfigPath},`)
  progress.say('stop it with ./hack/down --profile control-plane.')
}

try {
  const options = parseOptions(process.argv.slice(2), process.env)
  if (options.help) console.log(USAGE)
  else await up(options)
} catch (error) {
  if (error instanceof UsageError) console.error(`${error.message}\n\n${USAGE}`)
  else console.error(error instanceof Error ? `\n${error.message}` : error)
  process.exitCode = error instanceof UsageError ? 2 : 1
}
