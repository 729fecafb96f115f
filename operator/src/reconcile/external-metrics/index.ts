/**
 * Serves consumer lag to HorizontalPodAutoscalers, from the replica that holds the lease: certificate, server, registration, and their renewal.
 *
 * The certificate is made at the start and lives in memory only: there is no Secret to steal, and every new leader brings its own. It is renewed
 * when two thirds of its life are over; for a moment both are trusted. What fails is tried again and said in the log; nothing of it ever stops
 * the operator, whose other work does not depend on it.
 */
import type { Logger } from 'pino'
import { sleep } from '../../kube/backoff.ts'
import type { KubeClient } from '../../kube/client.ts'
import type { Runnable } from '../../runtime/manager.ts'
import { selfSigned, type ServerCertificate } from '../../runtime/self-signed.ts'
import type { LagValues } from './api.ts'
import { readFrontProxy, type FrontProxy } from './front-proxy.ts'
import { register, type Registration } from './registration.ts'
import { startMetricsServer, type MetricsServer } from './server.ts'

/** What serving needs. Times in ms. */
export interface ExternalMetricsOptions {
  readonly client: KubeClient
  readonly logger: Logger
  readonly service: Registration['service']
  readonly port: number
  /** Address of this pod. */
  readonly address: string
  readonly podName: string
  readonly lagValues: LagValues
  readonly now: () => number
}

/** Two thirds of it fit into a timer, which ends at 24 days. */
const lifetime = 30 * 86_400_000
const retryPause = { first: 1_000, max: 60_000 }
/** Refused callers make the authorities be read again, but not more often than this. */
const refreshPause = 10_000

/** A part of the leader. */
export function externalMetrics(options: ExternalMetricsOptions): Runnable {
  return {
    name: 'external metrics',
    run: async (signal) => {
      let failures = 0
      while (!signal.aborted) {
        const startedAt = options.now()
        await serve(options, signal).catch((error: unknown) => {
          if (signal.aborted) return
          failures = options.now() - startedAt > retryPause.max ? 1 : failures + 1
          options.logger.warn({ err: error }, 'consumer lag is not served to autoscalers, trying again')
        })
        await sleep(Math.min(retryPause.max, retryPause.first * 2 ** (failures - 1)), signal)
      }
    },
  }
}

/** Serves until the signal aborts; rejects when something fails. */
async function serve(options: ExternalMetricsOptions, signal: AbortSignal): Promise<void> {
  const { client, logger, service, now } = options
  let certificate = newCertificate(options)
  let frontProxy = await readFrontProxy(client, signal)
  let refreshedAt = now()
  const refresh = (server: () => MetricsServer | undefined) => (): void => {
    if (now() - refreshedAt < refreshPause) return
    refreshedAt = now()
    readFrontProxy(client, signal).then(
      (read: FrontProxy) => {
        frontProxy = read
        server()?.use(certificate, read)
      },
      (error: unknown) => logger.warn({ err: error }, 'authorities of the front proxy not read'),
    )
  }
  let running: MetricsServer | undefined = undefined
  const server = await startMetricsServer({
    port: options.port,
    certificate,
    frontProxy,
    lagValues: options.lagValues,
    onRefused: refresh(() => running),
  })
  running = server
  try {
    const { address, podName } = options
    const place = { service, address, podName, port: server.port }
    await register(client, { ...place, certificates: certificate.certificate }, signal)
    logger.info({ port: server.port }, 'consumer lag is served to autoscalers')
    for (;;) {
      await sleep(lifetime * (2 / 3), signal)
      if (signal.aborted) return
      const next = newCertificate(options)
      await register(client, { ...place, certificates: certificate.certificate + next.certificate }, signal)
      certificate = next
      server.use(certificate, frontProxy)
    }
  } finally {
    await server.close()
  }
}

const newCertificate = ({ service: { name, namespace }, now }: ExternalMetricsOptions): ServerCertificate =>
  selfSigned({ names: [`${name}.${namespace}.svc`, `${name}.${namespace}.svc.cluster.local`], now: now(), lifetime })
