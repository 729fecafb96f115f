import { connect } from 'node:net'
import { Kafka, logLevel } from 'kafkajs'
import type { Admin } from 'kafkajs'
import { serviceAddress } from './service-address.ts'
import type { TestCluster } from './cluster.ts'

/** A client of the Embedded Kafka of a system. The broker names itself by its Service, which only pods resolve: sockets go to its address. */
export async function kafkaOf(cluster: TestCluster, namespace: string, system: string): Promise<Kafka> {
  const { host, port } = await serviceAddress(cluster, namespace, `${system}-kafka`)
  return new Kafka({
    clientId: 'e2e',
    brokers: [`${host}:${port}`],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 5_000,
    requestTimeout: 20_000,
    socketFactory: ({ onConnect }) => connect({ host, port }, onConnect),
  })
}

/** Runs `work` with an admin client and closes it. */
export async function withKafkaAdmin<T>(kafka: Kafka, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    return await work(admin)
  } finally {
    await admin.disconnect()
  }
}
