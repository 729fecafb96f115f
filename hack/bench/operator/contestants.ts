import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { request } from 'undici'
import { cached } from '../../cluster/build-cache.ts'
import { run } from '../../cluster/command.ts'
import { contentHash } from '../../cluster/content-hash.ts'
import { ensureDaemon } from '../../cluster/daemon.ts'
import type { Daemon } from '../../cluster/daemon.ts'
import { freePorts } from '../../cluster/free-ports.ts'
import { goEnvironment } from '../../cluster/go-build.ts'
import { waitFor } from '../../cluster/waiting.ts'
import { bundle } from '../../images/bundle.ts'
import { imageEnvironment, operatorMemoryLimit } from '../image-environment.ts'
import type { BenchControlPlane } from './environment.ts'
import { operandImages } from './resources.ts'
import type { Template } from './resources.ts'
import { installServiceAccount, operatorNamespace } from './service-account.ts'

/** Reconciles the peer has in flight, and requests the floor has. */
export const IN_FLIGHT = 32

/** An operator under measurement, running as a process of its own. */
export interface Contestant {
  readonly name: 'operator' | 'peer' | 'drift-peer'
  /** Starts it against an API server; returns when it may be given resources. */
  start(environment: BenchControlPlane, template: Template): Promise<Daemon>
}

const PEER = join(import.meta.dirname, '../peer')

/** The Go operator of hack/bench/peer, which applies when a resource is edited and at no other time. */
export const peer = goPeer('peer', [])

/** The same, but it watches all that it owns, as the product does, and applies everything again when something of it changes. */
export const driftPeer = goPeer('drift-peer', ['--correct-drift'])

function goPeer(name: Contestant['name'], flags: readonly string[]): Contestant {
  const start: Contestant['start'] = async ({ plane: { kubeconfigPath, stateDir } }, { json, marks }) => {
    const program = await peerProgram()
    const templatePath = join(stateDir, 'peer-template.json')
    await writeFile(templatePath, json)
    return ensureDaemon(stateDir, {
      name: 'peer',
      program,
      lifetime: 'Caller',
      args: [
        ...['--api-kubeconfig', kubeconfigPath, '--template', templatePath, '--concurrency', String(IN_FLIGHT)],
        ...['--name', marks.name, '--namespace', marks.namespace, '--uid', marks.uid],
        ...['--replicas', String(marks.replicas)],
        ...flags,
      ],
    })
  }
  return { name, start }
}

async function peerProgram(): Promise<string> {
  const sources = ['go.mod', 'go.sum', 'main.go']
  const hash = await contentHash({ files: Object.fromEntries(sources.map((name) => [name, join(PEER, name)])) })
  const folder = await cached('bench-peer', hash, async (draft) => {
    await run('go', ['build', '-trimpath', '-ldflags', '-s -w', '-o', join(draft, 'peer'), '.'], {
      cwd: PEER,
      env: goEnvironment,
      timeout: 15 * 60_000,
    })
  })
  return join(folder, 'peer')
}

/** The product as its pod runs it: the bundle, in-cluster credentials, the rights it ships with. */
export const product: Contestant = { name: 'operator', start: (environment) => startProduct(environment) }

/**
 * Starts the product's bundle against an API server; returns when it is ready.
 * @param server base URL at which it finds the API server, when that is not the API server's own
 * @param env further variables
 */
export async function startProduct(
  { plane: { kubeconfigPath, stateDir, url }, client }: BenchControlPlane,
  server = url,
  env: Readonly<Record<string, string>> = {},
): Promise<Daemon> {
  const serviceAccount = await installServiceAccount(client, kubeconfigPath, stateDir)
  const bundles = join(stateDir, 'bundles')
  await bundle(bundles)
  const [metrics = 0, probes = 0] = await freePorts(2)
  const daemon = await ensureDaemon(stateDir, {
    name: 'operator',
    program: process.execPath,
    args: [join(bundles, 'operator/main.mjs')],
    lifetime: 'Caller',
    env: {
      ...(await imageEnvironment('operator', await operatorMemoryLimit())),
      KUBECONFIG: '',
      KUBERNETES_SERVICE_HOST: new URL(server).hostname,
      KUBERNETES_SERVICE_PORT: new URL(server).port,
      SERVICE_ACCOUNT_DIR: serviceAccount,
      OPERATOR_NAMESPACE: operatorNamespace,
      METRICS_PORT: String(metrics),
      PROBE_PORT: String(probes),
      LOG_LEVEL: 'warn',
      OPERAND_IMAGE_WORKERS: operandImages.workers,
      OPERAND_IMAGE_BACKUP: operandImages.backup,
      OPERAND_IMAGE_KAFKA: operandImages.kafka,
      OPERAND_IMAGE_POSTGRESQL: operandImages.postgresql,
      OPERAND_IMAGE_REDIS: operandImages.redis,
      ...env,
    },
  })
  await waitFor('the operator ready', () => isReady(probes), { timeout: 60_000, interval: 100 })
  return daemon
}

async function isReady(port: number): Promise<true | undefined> {
  const response = await request(`http://127.0.0.1:${port}/readyz`, { headersTimeout: 2_000 })
  await response.body.dump()
  return response.statusCode === 200 ? true : undefined
}
