/**
 * certificates: how long those still hold that a TLS server shows to everybody: Dapr Sentry, whose chain has the issuer of every sidecar in it, and
 * External Kafka and Redis with TLS. Nothing is read from a Secret: the private keys beside the certificates are none of the operator's business.
 */
import { X509Certificate } from 'node:crypto'
import type { LookupFunction } from 'node:net'
import { isIP } from 'node:net'
import { connect, type DetailedPeerCertificate } from 'node:tls'
import { kafkaCluster } from '../../desired/kafka-cluster.ts'
import type { CheckSubject } from './check.ts'
import { found, passed, type CheckFamily, type Outcome } from './check.ts'
import { age, count, some } from './figures.ts'
import { reasonOf } from '../pods/reason.ts'

const day = 86_400_000

/** One certificate of a server's chain, or why it showed none. */
export type ShownCertificate =
  | { readonly server: string; readonly subject: string; readonly validTo: number }
  | { readonly server: string; readonly problem: string }

/** Judges by the end of validity. A leaf that Dapr renews every day has hours to go and is fine: only what is nearly over counts then. @param now ms since the epoch */
export function judgeCertificates(shown: readonly ShownCertificate[], now: number): Outcome {
  const name = 'certificates'
  const certificates = shown.flatMap((one) => ('problem' in one ? [] : [one]))
  const silent = shown.flatMap((one) => ('problem' in one ? [`${one.server}: ${one.problem}`] : []))
  const left = ({ validTo }: { validTo: number }): number => validTo - now
  const ending = certificates.filter((one) => left(one) < 14 * day)
  const said = ending.map((one) => {
    const over = left(one) <= 0
    return `${one.subject} of ${one.server} ${over ? 'is over' : `ends in ${age(left(one) / 1000)}`}`
  })
  const figure = count(certificates.length, 'certificate')
  if (ending.some((one) => left(one) < 2 * day)) return found(name, 'Failed', some(said), figure)
  if (ending.length > 0) return found(name, 'Warning', some(said), figure)
  if (certificates.length === 0 && silent.length > 0) return found(name, 'Unknown', some(silent))
  return passed(name, figure)
}

/** Opens a TLS connection, notes the chain and hangs up. What the chain is worth is not judged here: clients do that. */
export type AskCertificates = (server: string, signal: AbortSignal) => Promise<readonly ShownCertificate[]>

/** Asks. @param lookup for an operator outside the cluster @param deadline ms */
export function askCertificates(lookup: LookupFunction | undefined, deadline: number): AskCertificates {
  return async (server, signal) => {
    const at = server.lastIndexOf(':')
    const [host, port] = [server.slice(0, at), Number(server.slice(at + 1))]
    const limit = AbortSignal.any([signal, AbortSignal.timeout(deadline)])
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    const socket = connect({
      host,
      port,
      servername: isIP(host) === 0 ? host : '',
      ALPNProtocols: ['h2'],
      rejectUnauthorized: false,
      ...(lookup === undefined ? {} : { lookup }),
    })
    socket.once('secureConnect', () => resolve(undefined))
    // Stays for good: what goes wrong after the handshake must not end the process.
    socket.on('error', reject)
    limit.addEventListener('abort', () => reject(new Error('no answer in time')), { once: true })
    try {
      await promise
      return chainOf(server, socket.getPeerCertificate(true))
    } catch (error) {
      return [{ server, problem: reasonOf(error) }]
    } finally {
      socket.destroy()
    }
  }
}

function chainOf(server: string, leaf: DetailedPeerCertificate): ShownCertificate[] {
  const chain: ShownCertificate[] = []
  const seen = new Set<string>()
  // A root is its own issuer; a chain whose root was not sent ends with the last one that was.
  for (
    let one: DetailedPeerCertificate | null = leaf;
    one !== null && !seen.has(one.fingerprint256);
    one = issuerOf(one)
  ) {
    seen.add(one.fingerprint256)
    const certificate = new X509Certificate(one.raw)
    const { subjectAltName, validTo, validFrom } = certificate
    // Undefined where it is empty, as in the certificates of Dapr; the types do not know.
    const subject = certificate.subject as string | undefined
    // Dapr's own leaves live a day and are renewed by themselves at half of it; how short they are says nothing.
    const lifetime = Date.parse(validTo) - Date.parse(validFrom)
    const name = [subject?.replaceAll('\n', ', '), subjectAltName, 'a certificate'].find((text) => text) ?? ''
    if (lifetime > 2 * day) chain.push({ server, subject: name, validTo: Date.parse(validTo) })
  }
  return chain
}

/** Absent on the certificate of a session that was resumed; the types do not know. */
const issuerOf = ({ issuerCertificate }: Partial<DetailedPeerCertificate>): DetailedPeerCertificate | null =>
  issuerCertificate ?? null

/** The servers of a system that show a certificate. */
function serversOf({ observed: { seen } }: CheckSubject, sentry: string): string[] {
  const { spec } = seen.resolved
  const { brokers, tls } = kafkaCluster(seen.bot)
  const { mode, host, tls: redisTls } = spec.stateStore
  return [
    sentry,
    ...(tls === undefined ? [] : brokers),
    ...(mode === 'External' && redisTls && host !== undefined ? [host] : []),
  ]
}

/** The family. @param sentry host:port of Dapr Sentry */
export const certificateChecks = (ask: AskCertificates, sentry: string): CheckFamily => ({
  names: ['certificates'],
  check: async (subject, signal) => {
    const shown = await Promise.all(serversOf(subject, sentry).map((server) => ask(server, signal)))
    return { outcomes: [judgeCertificates(shown.flat(), subject.observed.seen.now)] }
  },
})
