import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { certificate, certificateAuthority } from '../certificates.ts'

/** A second listener of a broker, with TLS and SCRAM-SHA-512, as a managed Kafka offers it. */
export interface SecureListener {
  /** host:port for clients. */
  readonly brokers: string
  /** PEM of the authority that signed the broker's certificate; no system trusts it by itself. */
  readonly ca: string
  readonly username: string
  readonly password: string
}

/** What a broker needs to serve a {@link SecureListener}. */
export interface SecureConfiguration {
  readonly listener: SecureListener
  /** Further lines of server.properties; a key that was set before is overridden. */
  readonly properties: string
  /** Arguments of `StorageTool format`. They hold the password: it is random, and the broker lives for one test. */
  readonly formatArguments: readonly string[]
}

/** Makes authority, certificate (PEM, so no keytool is needed) and login in `folder`. @param listeners those the broker has already */
export async function secureConfiguration(
  folder: string,
  port: number,
  listeners: string,
): Promise<SecureConfiguration> {
  const authority = await certificateAuthority(folder, 'kafka-ca')
  const subject = { commonName: 'kafka', names: ['IP:127.0.0.1', 'DNS:localhost'] }
  const pair = await certificate(folder, 'kafka', subject, authority)
  const keystore = join(folder, 'kafka.pem')
  await writeFile(keystore, `${await readFile(pair.key, 'utf8')}${await readFile(pair.certificate, 'utf8')}`, {
    mode: 0o600,
  })
  const [username, password] = ['todo', randomBytes(12).toString('hex')]
  const own = `SASL_SSL://127.0.0.1:${port}`
  const login = 'org.apache.kafka.common.security.scram.ScramLoginModule required;'
  return {
    listener: { brokers: `127.0.0.1:${port}`, ca: await readFile(authority.certificate, 'utf8'), username, password },
    properties: [
      '',
      `listeners=${listeners},${own}`,
      `advertised.listeners=${listeners},${own}`,
      'listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL',
      'listener.name.sasl_ssl.sasl.enabled.mechanisms=SCRAM-SHA-512',
      `listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=${login}`,
      'listener.name.sasl_ssl.ssl.keystore.type=PEM',
      `listener.name.sasl_ssl.ssl.keystore.location=${keystore}`,
      '',
    ].join('\n'),
    formatArguments: ['--add-scram', `SCRAM-SHA-512=[name=${username},password=${password}]`],
  }
}
