/** What a worker takes from its environment: where its files are and who it is. Everything else is in config.json. */
export interface Environment {
  /** Directory holding `config.json`; a ConfigMap volume in the cluster. */
  readonly configDirectory: string
  /** Directory holding one file per secret (`databaseUri`, `jwtKey`, …); a Secret volume in the cluster. */
  readonly secretsDirectory: string
  /** Name of the pod for log lines; the host name outside Kubernetes. */
  readonly podName: string
  /** Port of the Dapr sidecar when its injector set one; it wins over the file because the sidecar chose it. */
  readonly daprHttpPort: number | undefined
  /** File whose text the kubelet keeps as the last words of a container (terminationMessagePath). */
  readonly terminationLog: string
  /** PATH: where programs a Job starts, such as pg_restore, are looked for. */
  readonly searchPath: string
  /** URL of the API server as Kubernetes tells every pod; only Jobs with a token of their own can use it. */
  readonly apiServer: string
}

/** Reads the few variables a program knows; the only place in `workers/` that touches the environment. */
export const readEnvironment = (env: NodeJS.ProcessEnv = process.env): Environment => {
  const port = Number(env['DAPR_HTTP_PORT'])
  return {
    configDirectory: env['TODOCHATBOT_CONFIG_DIR'] ?? '/etc/todochatbot/config',
    secretsDirectory: env['TODOCHATBOT_SECRETS_DIR'] ?? '/etc/todochatbot/secrets',
    podName: env['POD_NAME'] ?? env['HOSTNAME'] ?? 'local',
    terminationLog: env['TERMINATION_LOG'] ?? '/dev/termination-log',
    searchPath: env['PATH'] ?? '',
    apiServer: apiServerUrl(env),
    daprHttpPort: Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined,
  }
}

/** Environment of a program that a Job starts: where programs are found, nothing else of ours, and what is given here (passwords belong here). */
export const childEnvironment = (
  given: Readonly<Record<string, string>>,
  env: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv => ({ PATH: env['PATH'], HOME: '/tmp', LC_ALL: 'C.UTF-8', ...given })

const apiServerUrl = (env: NodeJS.ProcessEnv): string => {
  const host = env['KUBERNETES_SERVICE_HOST'] ?? 'kubernetes.default.svc'
  return `https://${host.includes(':') ? `[${host}]` : host}:${env['KUBERNETES_SERVICE_PORT'] ?? '443'}`
}
