import { randomBytes } from 'node:crypto'
import { kinds } from '../../../operator/src/kube/kinds.ts'
import type { TestCluster } from './cluster.ts'
import { operandImage } from './operand-image.ts'

/**
 * Kafka, PostgreSQL and Redis as an admin brings them: bare pods behind Services, unknown to the operator, with data that
 * lives as long as the pod. They run the images the operator itself would use. Their names start with "external", so
 * `kafkaOf(…, 'external')` and `databaseOf(…, 'external')` reach them once {@link ExternalServers.offerDatabase} was called.
 */
export interface ExternalServers {
  /** External mode for all three; `external-database` is a Secret that does not exist yet. */
  readonly spec: {
    readonly kafka: Readonly<Record<string, unknown>>
    readonly database: Readonly<Record<string, unknown>>
    readonly stateStore: Readonly<Record<string, unknown>>
  }
  /** Creates the Secret with the connection strings of the workers and of the migrations. */
  offerDatabase(): Promise<void>
  /** Name and uid of each server's pod: a server that was touched has another. */
  pods(): Promise<readonly string[]>
}

const labels = (app: string) => ({ app, 'e2e.todochatbot.dev/role': 'external' })

/** Starts the three and waits until they are ready. The pods pass Pod Security `restricted`. */
export async function externalServers(cluster: TestCluster, namespace: string): Promise<ExternalServers> {
  const [ownerPassword, appPassword, password] = [secret(), secret(), secret()]
  const images = {
    kafka: await operandImage(cluster, 'KAFKA'),
    postgresql: await operandImage(cluster, 'POSTGRESQL'),
    redis: await operandImage(cluster, 'REDIS'),
  }
  const host = (app: string): string => `external-${app}.${namespace}.svc.cluster.local`
  const credentials = (...keys: string[]) => ({
    name: 'secrets',
    secret: { secretName: 'external-servers', defaultMode: 0o440, items: keys.map((key) => ({ key, path: key })) },
  })
  const apply = (objects: readonly object[]): Promise<string> =>
    cluster.kubectl(['apply', '-n', namespace, '-f', '-'], {
      input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
    })
  await apply([
    secretObject('external-servers', { ownerPassword, appPassword, password }),
    ...server('kafka', 9092, images.kafka, '/var/lib/kafka', [], {
      KAFKA_CLUSTER_ID: randomBytes(16).toString('base64url'),
      KAFKA_ADVERTISED_HOST: host('kafka'),
      KAFKA_HEAP: '256m',
    }),
    ...server('postgresql', 5432, images.postgresql, '/var/lib/postgresql/data', [
      { volume: volatile('run'), path: '/run/postgresql' },
      { volume: credentials('ownerPassword', 'appPassword'), path: '/etc/todochatbot/secrets' },
    ]),
    ...server('redis', 6379, images.redis, '/data', [
      { volume: credentials('password'), path: '/etc/todochatbot/secrets' },
    ]),
  ])
  await cluster.kubectl(
    [
      'wait',
      'pod',
      '-n',
      namespace,
      '-l',
      'e2e.todochatbot.dev/role=external',
      '--for=condition=Ready',
      '--timeout=180s',
    ],
    { timeout: 190_000 },
  )
  const uri = (role: string, rolePassword: string): string =>
    `postgresql://${role}:${rolePassword}@${host('postgresql')}:5432/todo`
  return {
    spec: {
      kafka: { mode: 'External', bootstrapServers: [`${host('kafka')}:9092`] },
      database: { mode: 'External', secretRef: { name: 'external-database', ownerKey: 'ownerUri' } },
      stateStore: { mode: 'External', host: `${host('redis')}:6379`, secretRef: { name: 'external-servers' } },
    },
    async offerDatabase() {
      const data = { uri: uri('todo_app', appPassword), ownerUri: uri('todo_owner', ownerPassword) }
      await apply([secretObject('external-database', data)])
    },
    async pods() {
      const pods = await cluster.list(kinds.Pod, namespace, 'e2e.todochatbot.dev/role=external')
      return pods.map(({ metadata }) => `${metadata.name} ${String(metadata.uid)}`).toSorted()
    },
  }
}

const secret = (): string => randomBytes(12).toString('hex')

const secretObject = (name: string, stringData: Readonly<Record<string, string>>): object => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name },
  stringData,
})

interface Mount {
  readonly volume: { readonly name: string }
  readonly path: string
}

function server(
  app: string,
  port: number,
  image: string,
  dataPath: string,
  mounts: readonly Mount[],
  env: Readonly<Record<string, string>> = {},
): object[] {
  const name = `external-${app}`
  const all: readonly Mount[] = [
    { volume: volatile('data'), path: dataPath },
    { volume: volatile('tmp'), path: '/tmp' },
    ...mounts,
  ]
  const container = {
    name: app,
    image,
    env: Object.entries(env).map(([key, value]) => ({ name: key, value })),
    ports: [{ containerPort: port }],
    readinessProbe: { tcpSocket: { port }, periodSeconds: 1, failureThreshold: 180 },
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      readOnlyRootFilesystem: true,
    },
    volumeMounts: all.map(({ volume, path }) => ({ name: volume.name, mountPath: path })),
  }
  const spec = {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: 1,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 65532,
      fsGroup: 65532,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [container],
    volumes: all.map(({ volume }) => volume),
  }
  return [
    { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { selector: labels(app), ports: [{ port }] } },
    { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: labels(app) }, spec },
  ]
}

const volatile = (name: string) => ({ name, emptyDir: {} })
