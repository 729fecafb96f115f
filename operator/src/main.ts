/** Entry point of the operator: environment, logger, signals. Everything else is in operator.ts. */
import manifest from '../../package.json' with { type: 'json' }
import { ConfigError, loadConfig, type Config } from './config.ts'
import { inClusterCredentials, kubeconfigCredentials } from './kube/credentials.ts'
import { createTransport } from './kube/transport.ts'
import { runOperator } from './operator.ts'
import { createLogger } from './runtime/logger.ts'
import { createMetrics } from './runtime/metrics.ts'

const { version } = manifest

async function main(config: Config): Promise<void> {
  const logger = createLogger({ level: config.logLevel, name: 'todochatbot-operator', version })
  const metrics = createMetrics()
  const { cluster } = config
  const transport = createTransport({
    credentials: 'kubeconfig' in cluster ? kubeconfigCredentials(cluster.kubeconfig) : inClusterCredentials(cluster),
    userAgent: `todochatbot-operator/${version}`,
    onResponse: ({ method, code }) => metrics.requests.inc({ method, code: String(code) }),
  })
  const stop = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      logger.info({ signal }, 'stopping')
      stop.abort(new Error(signal))
    })
  }
  logger.info({ watchNamespaces: config.watchNamespaces, node: process.version }, 'starting')
  try {
    await runOperator({ config, version, transport, metrics, logger, wallClock: Date.now }, stop.signal)
    logger.info('stopped')
  } catch (error) {
    logger.fatal({ err: error }, 'stopped by a failure')
    process.exitCode = 1
  } finally {
    await transport.close()
    metrics.stop()
  }
}

try {
  await main(loadConfig(process.env))
} catch (error) {
  if (!(error instanceof ConfigError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 2
}
