import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { request } from 'undici'
import { freePorts } from '../free-ports.ts'
import { goPrograms } from '../go-programs.ts'
import { serverFolder, startServer, withFreePort } from './server.ts'
import type { Server } from './server.ts'

/** How to run a sidecar beside a test. */
export interface DaprdOptions {
  readonly appId: string
  /** Port the application listens on (127.0.0.1); without it nothing is delivered. */
  readonly appPort?: number
  /** Token it proves itself to the application with, as `dapr.io/app-token-secret` gives it one in a cluster. */
  readonly appToken?: string
  /** Dapr objects (Component, Subscription, Resiliency) as plain values; standalone daprd reads them without a cluster. */
  readonly resources: readonly Readonly<Record<string, unknown>>[]
  /** Dapr Configuration object, if any. */
  readonly configuration?: Readonly<Record<string, unknown>>
  /** Further daprd flags. */
  readonly args?: readonly string[]
}

/** A standalone Dapr sidecar. */
export interface DaprdServer extends Server {
  /** Port of the HTTP API, what Dapr injects as DAPR_HTTP_PORT. */
  readonly httpPort: number
  /** Port of its own Prometheus metrics. */
  readonly metricsPort: number
  readonly url: string
}

/**
 * Starts daprd without a control plane, ready when its outbound components are (`/v1.0/healthz/outbound`): the
 * application may start after it.
 */
export async function startDaprd(options: DaprdOptions): Promise<DaprdServer> {
  const { folder: programs } = await goPrograms()
  return withFreePort(async () => {
    const [http = 0, grpc = 0, internal = 0, metrics = 0, publicPort = 0] = await freePorts(5)
    const folder = await serverFolder(`daprd-${options.appId}`)
    const resources = join(folder, 'resources')
    await mkdir(resources)
    for (const [index, resource] of options.resources.entries()) {
      await writeFile(join(resources, `${index}.yaml`), JSON.stringify(resource))
    }
    const configuration = join(folder, 'configuration.yaml')
    if (options.configuration) await writeFile(configuration, JSON.stringify(options.configuration))
    const url = `http://127.0.0.1:${http}`
    const server = await startServer({
      name: 'daprd',
      folder,
      program: join(programs, 'daprd'),
      args: [
        ...['--mode', 'standalone', '--app-id', options.appId, '--resources-path', resources],
        ...(options.appPort === undefined ? [] : ['--app-port', String(options.appPort)]),
        ...(options.configuration === undefined ? [] : ['--config', configuration]),
        ...['--dapr-http-port', String(http), '--dapr-grpc-port', String(grpc)],
        ...['--dapr-internal-grpc-port', String(internal), '--dapr-public-port', String(publicPort)],
        ...['--metrics-port', String(metrics), '--dapr-listen-addresses', '127.0.0.1'],
        ...['--dapr-internal-grpc-listen-address', '127.0.0.1', '--dapr-public-listen-address', '127.0.0.1'],
        ...(options.args ?? []),
      ],
      ...(options.appToken === undefined ? {} : { env: { APP_API_TOKEN: options.appToken } }),
      ready: async () => {
        const response = await request(`${url}/v1.0/healthz/outbound`, { headersTimeout: 2_000 })
        await response.body.dump()
        return response.statusCode === 204 ? true : undefined
      },
      timeout: 30_000,
    })
    return { ...server, httpPort: http, metricsPort: metrics, url }
  })
}
