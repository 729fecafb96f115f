/** HTTPS for the external metrics API: answers the front proxy of kube-apiserver and nobody else. */
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { ServerCertificate } from '../../runtime/self-signed.ts'
import { answer, refusal, type Answer, type LagValues } from './api.ts'
import { isFrontProxy, type FrontProxy } from './front-proxy.ts'

/** What the server needs. */
export interface MetricsServerOptions {
  /** 0: any free port. */
  readonly port: number
  readonly certificate: ServerCertificate
  readonly frontProxy: FrontProxy
  readonly lagValues: LagValues
  /** A caller was refused: perhaps the front proxy has a new authority. */
  readonly onRefused: () => void
}

/** A server that listens. */
export interface MetricsServer {
  readonly port: number
  /** Takes over another certificate or other authorities; connections that are open go on. */
  readonly use: (certificate: ServerCertificate, frontProxy: FrontProxy) => void
  readonly close: () => Promise<void>
}

/** Longest request line with headers, in bytes; kube-apiserver's are far below. */
const maxHeaderSize = 16 * 1024

/** Listens. Rejects when the port is taken. */
export async function startMetricsServer(options: MetricsServerOptions): Promise<MetricsServer> {
  let { frontProxy } = options
  const context = (certificate: ServerCertificate) => ({
    cert: certificate.certificate,
    key: certificate.key,
    ca: frontProxy.authorities,
  })
  const server = createServer(
    {
      ...context(options.certificate),
      minVersion: 'TLSv1.2',
      requestCert: true,
      // Judged per request, so that a refusal says why.
      rejectUnauthorized: false,
      maxHeaderSize,
      requestTimeout: 10_000,
    },
    (request, response) => {
      const { code, body } = judge(request)
      response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    },
  )

  const judge = (request: IncomingMessage): Answer => {
    const { socket } = request
    if (!(socket instanceof TLSSocket)) throw new TypeError('an HTTPS server got a plain connection')
    const certificate = socket.getPeerCertificate()
    // Typed as always there; empty when the caller showed none.
    const name = (certificate as Partial<typeof certificate>).subject?.CN
    if (!socket.authorized || !isFrontProxy(frontProxy, typeof name === 'string' ? name : undefined)) {
      options.onRefused()
      return refusal(401, 'Unauthorized', 'only the front proxy of kube-apiserver is answered')
    }
    if (request.method !== 'GET') return refusal(405, 'MethodNotAllowed', 'only GET is served')
    return answer(request.url ?? '/', options.lagValues)
  }

  server.on('tlsClientError', () => undefined)
  server.listen(options.port)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    use: (certificate, proxy) => {
      frontProxy = proxy
      server.setSecureContext(context(certificate))
    },
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
