import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { run } from '../command.ts'
import { freePorts } from '../free-ports.ts'
import { kafkaImageFolder, kafkaJars } from '../kafka-jars.ts'
import { serverFolder, startServer, withFreePort } from './server.ts'
import type { Server } from './server.ts'

/** One Kafka broker with the configuration of the image; topics are not created by themselves. */
export interface KafkaServer extends Server {
  /** host:port for clients. */
  readonly brokers: string
}

/** Starts a broker on free ports in some six seconds. */
export async function startKafka(): Promise<KafkaServer> {
  const jars = await kafkaJars()
  return withFreePort(async () => {
    const [client = 0, controller = 0] = await freePorts(2)
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
    await writeFile(properties, fillIn(template, values))
    const java = [
      ...JVM,
      `-Dlog4j2.configurationFile=${join(kafkaImageFolder, 'log4j2.properties')}`,
      '-cp',
      `${jars}/*`,
    ]
    const clusterId = randomBytes(16).toString('base64url')
    const format = ['format', '--cluster-id', clusterId, '--config', properties, '--standalone']
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
    return { ...server, brokers }
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
