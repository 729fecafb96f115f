import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { kinds } from '../../../operator/src/kube/kinds.ts'
import type { TestCluster } from './cluster.ts'
import { httpClient } from './http-client.ts'
import { operandImage } from './operand-image.ts'

/**
 * A plain pod that opens connections when it is asked to; see peer-program.ts. It is asked from this machine, which is the
 * node, so it can be asked whatever policies select it.
 */
export interface Peer {
  readonly address: string
  /** Whether a connection comes about, with all the patience a busy machine needs. */
  reaches(host: string, port?: number): Promise<boolean>
  /** Whether none does: waits as long as a packet may take that is not dropped. */
  isCutOff(host: string, port?: number): Promise<boolean>
  /** Opens a connection that stays. @throws Error when it does not come about. */
  keeps(host: string): Promise<KeptConnection>
  /** Whether it reached the address that it was given at its creation within its first two seconds. */
  reachedEarly(): Promise<boolean>
}

/** A connection between two peers. */
export interface KeptConnection {
  answers(): Promise<boolean>
  isCut(): Promise<boolean>
}

/** How long to wait for what is hoped for, and for what is not; ms. */
const PATIENT = 20_000
const SOON = 1_000

/** Port on which peers echo; their Services have it too. */
export const ECHO = 9000

/**
 * Starts a peer with label `app: <name>` and a Service of the same name, and waits until it is ready.
 * @param early an address that it tries to reach from its first moment
 */
export async function startPeer(cluster: TestCluster, namespace: string, name: string, early = ''): Promise<Peer> {
  const labels = { app: name }
  // One each: peers are started at once, and only one of them could create it.
  const programName = `${name}-program`
  const program = await readFile(join(import.meta.dirname, 'peer-program.ts'), 'utf8')
  const objects = [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: programName }, data: { 'peer.ts': program } },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: { selector: labels, ports: [{ port: ECHO }] },
    },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, labels },
      spec: {
        automountServiceAccountToken: false,
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: 'peer',
            image: await operandImage(cluster, 'WORKERS'),
            command: ['node', '/program/peer.ts'],
            env: [{ name: 'EARLY', value: early }],
            ports: [{ name: 'echo', containerPort: ECHO }],
            readinessProbe: { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 1, failureThreshold: 3 },
            volumeMounts: [{ name: 'program', mountPath: '/program' }],
          },
        ],
        volumes: [{ name: 'program', configMap: { name: programName } }],
      },
    },
  ]
  await cluster.kubectl(['apply', '-n', namespace, '-f', '-'], {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
  })
  await cluster.kubectl(['wait', '-n', namespace, `pod/${name}`, '--for=condition=Ready', '--timeout=60s'])
  const pod = await cluster.get(kinds.Pod, { namespace, name })
  const { podIP: address } = pod?.['status'] as { readonly podIP: string }
  const ask = async (path: string): Promise<boolean> => {
    const client = httpClient(`http://${address}:8080`)
    try {
      return ((await client.call(path, { timeout: PATIENT + 5_000 })).body as { readonly ok: boolean }).ok
    } finally {
      await client.close()
    }
  }
  return {
    address,
    reaches: (host, port = ECHO) => ask(`/open?host=${host}&port=${port}&within=${PATIENT}`),
    isCutOff: async (host, port = ECHO) => !(await ask(`/open?host=${host}&port=${port}&within=${SOON}`)),
    async keeps(host) {
      const kept = await ask(`/keep?host=${host}&port=${ECHO}&within=${PATIENT}`)
      if (!kept) throw new Error(`${name} cannot connect to ${host}`)
      return {
        answers: () => ask(`/kept?host=${host}&within=${PATIENT}`),
        isCut: async () => !(await ask(`/kept?host=${host}&within=${SOON}`)),
      }
    },
    reachedEarly: () => ask('/early'),
  }
}
