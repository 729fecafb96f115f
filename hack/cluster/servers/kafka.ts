import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { run } from '../command.ts'
import { freePorts } from '../free-ports.ts'
import { kafkaImageFolder, kafkaJars } from '../kafka-jars.ts'
import { secureConfiguration } from './kafka-security.ts'
import type { SecureListener } from './kafka-security.ts'
import { serverFolder, startServer, withFreePort } from './server.ts'
import type { Server } from './server.ts'

/** One Kafka broker with the configuration of the image; topics are not created by themselves. */
export interface KafkaServer extends Server {
  /** host:port for clients. */
  readonly brokers: string
}

/** A broker that also listens for clients with TLS and a login. */
export interface SecureKafkaServer extends KafkaServer {
  readonly secure: SecureListener
}

/** Starts a broker on free ports in some six seconds. */
export const startKafka = (): Promise<KafkaServer> => startBroker(false)

/** Starts a broker that has a SASL_SSL listener (SCRAM-SHA-512) beside the plain one. */
export async function startSecureKafka(): Promise<SecureKafkaServer> {
  const { secure, ...server } = await startBroker(true)
  if (secure === undefined) throw new Error('the broker was started without its secure listener')
  return { ...server, secure }
}

async function startBroker(withSecureListener: boolean): Promise<KafkaServer & { readonly secure?: SecureListener }> {
  const jars = await kafkaJars()
  return withFreePort(async () => {
    const [client = 0, controller = 0, securePort = 0] = await freePorts(3)
    const folder = await serverFolder('kafka')
    const properties = join(folder, 'server.properties')
    const template = await readFile(join(kafkaImageFolder, 'server.properties'), 'utf8')
    const values = {
      LISTEN_HOST: '127.0.0.1',
      ADVERTISED_HOST: '127.0.0.1',
      CLIENT_PORT: String(client),
      CONTROLLER_PORT: String(controller),
      DATA_DIR: join(folder, 'data'),
    }
    const plain = `PLAINTEXT://127.0.0.1:${client},CONTROLLER://127.0.0.1:${controller}`
    const security = withSecureListener ? await secureConfiguration(folder, securePort, plain) : undefined
    await writeFile(properties, fillIn(template, values) + (security?.properties ?? ''))
    const java = [
      ...JVM,
      `-Dlog4j2.configurationFile=${join(kafkaImageFolder, 'log4j2.properties')}`,
      '-cp',
      `${jars}/*`,
    ]
    const clusterId = randomBytes(16).toString('base64url')
    // One argument: an id may start with a dash, which would be an option of its own.
    const format = ['format', `--cluster-id=${clusterId}`, '--config', properties, '--standalone']
    if (security) format.push(...security.formatArguments)
    await run('java', [...java, 'kafka.tools.StorageTool', ...format])
    const brokers = `127.0.0.1:${client}`
    const server = await startServer({
      name: 'kafka',
      folder,
      program: 'java',
      args: [...java, 'kafka.Kafka', properties],
      ready: () => answers(brokers),
      timeout: 60_000,
    })
    return { ...server, brokers, ...(security === undefined ? {} : { secure: security.listener }) }
  })
}

/** Compiling less is faster for a broker that lives for minutes. */
const JVM = ['-Xms128m', '-Xmx384m', '-XX:+UseSerialGC', '-XX:MaxDirectMemorySize=64m', '-XX:TieredStopAtLevel=1']

/**
 * Replaces ${NAME} in a template of the image.
 * @throws Error naming a placeholder that has no value.
 */
export function fillIn(template: string, values: Readonly<Record<string, string>>): string {
  return template.replaceAll(/\$\{([A-Z_]+)\}/g, (placeholder, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`server.properties: no value for ${placeholder}`)
    return value
  })
}

async function answers(brokers: string): Promise<true> {
  const kafka = new Kafka({
    brokers: [brokers],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 2_000,
    retry: { retries: 0 },
  })
  const admin = kafka.admin()
  try {
    await admin.connect()
    await admin.listTopics()
    return true
  } finally {
    await admin.disconnect()
  }
}
