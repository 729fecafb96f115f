import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './command.ts'

/** A key and its certificate, as paths of PEM files. */
export interface KeyPair {
  readonly key: string
  readonly certificate: string
}

/** Who a certificate speaks for. */
export interface Subject {
  /** Kubernetes takes it as the user name. */
  readonly commonName: string
  /** Kubernetes takes it as the group. */
  readonly organization?: string
  /** Names and addresses a server answers to, as `DNS:…` and `IP:…`. */
  readonly names?: readonly string[]
}

const DAYS = '3650'

/** A self-signed authority in `folder`, made on first use and kept from then on. */
export async function certificateAuthority(folder: string, name: string): Promise<KeyPair> {
  const pair = paths(folder, name)
  if (await exists(pair.certificate)) return pair
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const draft = `${pair.certificate}.new`
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', DAYS],
    ...['-subj', `/CN=${name}`, '-addext', 'keyUsage=critical,keyCertSign,cRLSign,digitalSignature'],
    ...['-keyout', pair.key, '-out', draft],
  ])
  await rename(draft, pair.certificate)
  return pair
}

/**
 * A certificate for clients and servers alike, signed by `authority`, made on first use and again when the subject
 * changes. The certificate is renamed into place last: an interrupted run leaves none and the next run makes it.
 */
export async function certificate(
  folder: string,
  name: string,
  subject: Subject,
  authority: KeyPair,
): Promise<KeyPair> {
  const pair = paths(folder, name)
  const request = join(folder, `${name}.json`)
  const wanted = JSON.stringify(subject)
  if ((await exists(pair.certificate)) && (await run('cat', [request])) === wanted) return pair
  await rm(pair.certificate, { force: true })
  const organization = subject.organization === undefined ? '' : `/O=${subject.organization}`
  const alternative = subject.names?.length ? ['-addext', `subjectAltName=${subject.names.join(',')}`] : []
  const draft = `${pair.certificate}.new`
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', DAYS],
    ...['-subj', `${organization}/CN=${subject.commonName}`, ...alternative],
    ...['-CA', authority.certificate, '-CAkey', authority.key],
    ...['-addext', 'basicConstraints=critical,CA:FALSE', '-addext', 'keyUsage=critical,digitalSignature'],
    ...['-addext', 'extendedKeyUsage=serverAuth,clientAuth', '-keyout', pair.key, '-out', draft],
  ])
  await writeFile(request, wanted)
  await rename(draft, pair.certificate)
  return pair
}

/** A key pair without certificate, for signing service account tokens. */
export async function signingKey(
  folder: string,
  name: string,
): Promise<{ readonly key: string; readonly publicKey: string }> {
  const key = join(folder, `${name}.key`)
  const publicKey = join(folder, `${name}.pub`)
  if (await exists(publicKey)) return { key, publicKey }
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await run('openssl', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', key])
  await run('openssl', ['ec', '-in', key, '-pubout', '-out', `${publicKey}.new`])
  await rename(`${publicKey}.new`, publicKey)
  return { key, publicKey }
}

const paths = (folder: string, name: string): KeyPair => ({
  key: join(folder, `${name}.key`),
  certificate: join(folder, `${name}.crt`),
})

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
