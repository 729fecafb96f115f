/**
 * A self-signed server certificate, made in memory. Node can sign and read certificates but not make them, and an operator image has no openssl;
 * the few structures of RFC 5280 that a server certificate needs are written here in DER (X.690). Whoever trusts exactly this certificate, as
 * the caBundle of an APIService does, needs no authority behind it.
 * Proof: self-signed.test.ts: Node's own parser and a TLS handshake accept it.
 */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'

/** PEM of a certificate and its key. */
export interface ServerCertificate {
  readonly certificate: string
  readonly key: string
  /** ms since the epoch */
  readonly expiresAt: number
}

/** What the certificate says. Times in ms. */
export interface CertificateRequest {
  /** DNS names; the first is the common name, which may have 64 characters. */
  readonly names: readonly [string, ...string[]]
  readonly now: number
  readonly lifetime: number
}

/** Clocks of others may be late by so much, in ms. */
const clockSkew = 5 * 60_000

/** Makes one, with a fresh P-256 key that leaves this process nowhere. */
export function selfSigned({ names, now, lifetime }: CertificateRequest): ServerCertificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const expiresAt = now + lifetime
  const name = sequence(set(sequence(oid([2, 5, 4, 3]), tagged(0x0c, Buffer.from(names[0].slice(0, 64))))))
  const toBeSigned = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([0x01]), randomBytes(15)])),
    ecdsaWithSha256,
    name,
    sequence(generalizedTime(now - clockSkew), generalizedTime(expiresAt)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...extensions(names))),
  )
  const signature = sign('sha256', toBeSigned, privateKey)
  const der = sequence(toBeSigned, ecdsaWithSha256, bitString(signature, 0))
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${der
      .toString('base64')
      .replaceAll(/(.{64})/g, '$1\n')
      .trimEnd()}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    expiresAt,
  }
}

function extensions(names: readonly string[]): Buffer[] {
  const serverAuth = oid([1, 3, 6, 1, 5, 5, 7, 3, 1])
  const alternatives = names.map((name) => tagged(0x82, Buffer.from(name)))
  return [
    // digitalSignature: bit 0 of one byte, seven bits unused.
    extension([2, 5, 29, 15], true, bitString(Buffer.from([0x80]), 7)),
    extension([2, 5, 29, 37], false, sequence(serverAuth)),
    extension([2, 5, 29, 17], false, sequence(...alternatives)),
  ]
}

const extension = (id: readonly number[], critical: boolean, value: Buffer): Buffer =>
  sequence(oid(id), ...(critical ? [tagged(0x01, Buffer.from([0xff]))] : []), tagged(0x04, value))

/** Tag, length, value. */
function tagged(tag: number, value: Buffer): Buffer {
  const { length } = value
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), value])
  const size = Buffer.from(length.toString(16).padStart(length > 0xff ? 4 : 2, '0'), 'hex')
  return Buffer.concat([Buffer.from([tag, 0x80 | size.length]), size, value])
}

const sequence = (...parts: readonly Buffer[]): Buffer => tagged(0x30, Buffer.concat(parts))
const set = (...parts: readonly Buffer[]): Buffer => tagged(0x31, Buffer.concat(parts))
const explicit = (number: number, value: Buffer): Buffer => tagged(0xa0 | number, value)
const integer = (value: Buffer): Buffer => tagged(0x02, value)
const bitString = (value: Buffer, unused: number): Buffer => tagged(0x03, Buffer.concat([Buffer.from([unused]), value]))

/** `YYYYMMDDHHMMSSZ`, whole seconds. */
const generalizedTime = (ms: number): Buffer =>
  tagged(0x18, Buffer.from(`${new Date(ms).toISOString().replaceAll(/[-:T]|[.]\d+Z$/g, '')}Z`))

/** The first two arcs share a byte; the others are base 128 with continuation bits. */
function oid([first = 0, second = 0, ...rest]: readonly number[]): Buffer {
  const arc = (value: number): number[] =>
    value < 0x80 ? [value] : [...arc(value >> 7).map((byte) => byte | 0x80), value & 0x7f]
  return tagged(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(arc)]))
}

const ecdsaWithSha256 = sequence(oid([1, 2, 840, 10045, 4, 3, 2]))
