import { hostname } from 'node:os'
import { z } from 'zod'
import { durationGrammar, durationPattern, parseDuration } from './api/v1alpha1/durations.ts'

const duration = (fallback: string, minimum: number): z.ZodType<number> =>
  z
    .string()
    .regex(new RegExp(durationPattern), durationGrammar)
    .default(fallback)
    .transform(parseDuration)
    .refine((ms) => ms >= minimum, `must be at least ${minimum} ms`)
const port = (fallback: number): z.ZodType<number> => z.coerce.number().int().min(0).max(65535).default(fallback)
const image = z.string().min(1, 'must name an image')

const environmentSchema = z.object({
  /** Comma-separated; empty: all namespaces. */
  WATCH_NAMESPACE: z
    .string()
    .default('')
    .transform((list) =>
      list
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== ''),
    ),
  /** Where the lease lives. */
  OPERATOR_NAMESPACE: z.string().min(1).default('todochatbot-system'),
  POD_NAME: z.string().min(1).default(hostname()),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  /** 0: any free port. */
  METRICS_PORT: port(8080),
  PROBE_PORT: port(8081),
  LEADER_ELECTION: z
    .enum(['true', 'false'])
    .default('true')
    .transform((value) => value === 'true'),
  LEASE_NAME: z.string().min(1).default('todochatbot-operator'),
  OPERAND_IMAGE_WORKERS: image,
  OPERAND_IMAGE_BACKUP: image,
  OPERAND_IMAGE_KAFKA: image,
  OPERAND_IMAGE_POSTGRESQL: image,
  OPERAND_IMAGE_REDIS: image,
  /** How often a system is looked at although nothing changed. */
  RESYNC_PERIOD: duration('10h', 1_000),
  /** How often topics are compared with what is desired, per Kafka cluster. */
  TOPIC_CHECK_PERIOD: duration('30s', 100),
  /** How often sidecars are asked what they have loaded, and workers how they are. */
  SIDECAR_CHECK_PERIOD: duration('30s', 100),
  /** Within what time after the start all systems get their first round of routine checks. */
  CHECKS_SPREAD: duration('60s', 0),
  /** Where Dapr's control plane is installed. */
  DAPR_NAMESPACE: z.string().min(1).default('dapr-system'),
  /** How often consumer groups, offsets and dead letters are looked at, per Kafka cluster. */
  KAFKA_WATCH_PERIOD: duration('15s', 100),
  /** Service through which kube-apiserver reaches the external metrics API of the leader. Empty: it is not served. */
  EXTERNAL_METRICS_SERVICE: z.string().default(''),
  EXTERNAL_METRICS_PORT: port(6443),
  /** Address of the pod, as kube-apiserver reaches it. */
  POD_IP: z.string().default(''),
  /** Systems reconciled at once. */
  CONCURRENCY: z.coerce.number().int().min(1).max(256).default(12),
  /** Path of a kubeconfig file, for running outside a cluster. Empty or absent: the pod's service account. */
  KUBECONFIG: z.string().default(''),
  /** Address of the cluster's DNS server, for running outside a cluster: names that end in .svc are looked up there. */
  CLUSTER_DNS: z.union([z.ipv4(), z.ipv6(), z.literal('')]).default(''),
  KUBERNETES_SERVICE_HOST: z.string().default(''),
  KUBERNETES_SERVICE_PORT: z.string().default('443'),
  /** Folder with token and ca.crt of the service account; the kubelet's when empty. */
  SERVICE_ACCOUNT_DIR: z.string().default(''),
})

/** Settings of the operator. Times in ms. */
export interface Config {
  readonly watchNamespaces: readonly string[]
  readonly namespace: string
  readonly podName: string
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  readonly metricsPort: number
  readonly probePort: number
  readonly leaderElection: boolean
  readonly leaseName: string
  readonly images: {
    readonly workers: string
    readonly backup: string
    readonly kafka: string
    readonly postgresql: string
    readonly redis: string
  }
  readonly resyncPeriod: number
  readonly topicCheckPeriod: number
  readonly sidecarCheckPeriod: number
  readonly kafkaWatchPeriod: number
  readonly checksSpread: number
  readonly daprNamespace: string
  /** Undefined: consumer lag is not served to autoscalers. */
  readonly externalMetrics: { readonly service: string; readonly port: number; readonly address: string } | undefined
  readonly concurrency: number
  /** Either a kubeconfig file or the address of the API server as a pod sees it. */
  readonly cluster:
    | { readonly kubeconfig: string }
    | { readonly host: string; readonly port: string; readonly serviceAccountDir?: string }
  readonly clusterDns: string | undefined
}

/** The environment is not usable; the message has one line per variable. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/** Reads the settings. @throws ConfigError naming every variable that is wrong, what is wrong with it and what is allowed */
export function loadConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const parsed = environmentSchema.safeParse(environment)
  if (!parsed.success) {
    const lines = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
    throw new ConfigError(`The environment is not usable.\n${lines.join('\n')}`)
  }
  const env = parsed.data
  if (env.KUBECONFIG === '' && env.KUBERNETES_SERVICE_HOST === '') {
    throw new ConfigError('Set KUBECONFIG to the path of a kubeconfig file, or run in a pod with a service account.')
  }
  if (env.EXTERNAL_METRICS_SERVICE !== '' && env.POD_IP === '') {
    throw new ConfigError('POD_IP: must be the address of the pod when EXTERNAL_METRICS_SERVICE is set.')
  }
  return Object.freeze({
    watchNamespaces: env.WATCH_NAMESPACE,
    namespace: env.OPERATOR_NAMESPACE,
    podName: env.POD_NAME,
    logLevel: env.LOG_LEVEL,
    metricsPort: env.METRICS_PORT,
    probePort: env.PROBE_PORT,
    leaderElection: env.LEADER_ELECTION,
    leaseName: env.LEASE_NAME,
    images: {
      workers: env.OPERAND_IMAGE_WORKERS,
      backup: env.OPERAND_IMAGE_BACKUP,
      kafka: env.OPERAND_IMAGE_KAFKA,
      postgresql: env.OPERAND_IMAGE_POSTGRESQL,
      redis: env.OPERAND_IMAGE_REDIS,
    },
    resyncPeriod: env.RESYNC_PERIOD,
    topicCheckPeriod: env.TOPIC_CHECK_PERIOD,
    sidecarCheckPeriod: env.SIDECAR_CHECK_PERIOD,
    kafkaWatchPeriod: env.KAFKA_WATCH_PERIOD,
    checksSpread: env.CHECKS_SPREAD,
    daprNamespace: env.DAPR_NAMESPACE,
    externalMetrics:
      env.EXTERNAL_METRICS_SERVICE === ''
        ? undefined
        : { service: env.EXTERNAL_METRICS_SERVICE, port: env.EXTERNAL_METRICS_PORT, address: env.POD_IP },
    concurrency: env.CONCURRENCY,
    cluster:
      env.KUBECONFIG === ''
        ? {
            host: env.KUBERNETES_SERVICE_HOST,
            port: env.KUBERNETES_SERVICE_PORT,
            ...(env.SERVICE_ACCOUNT_DIR === '' ? {} : { serviceAccountDir: env.SERVICE_ACCOUNT_DIR }),
          }
        : { kubeconfig: env.KUBECONFIG },
    clusterDns: env.CLUSTER_DNS === '' ? undefined : env.CLUSTER_DNS,
  })
}
