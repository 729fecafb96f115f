import { Client } from 'pg'
import type { ClientConfig, QueryResultRow } from 'pg'
import { kinds } from '../../../operator/src/kube/kinds.ts'
import { serviceAddress } from './service-address.ts'
import type { TestCluster } from './cluster.ts'

/** The Embedded PostgreSQL of a system, as its owner: what is in it is the truth the events are held against. */
export interface TestDatabase {
  query<Row extends QueryResultRow>(sql: string, values?: readonly unknown[]): Promise<readonly Row[]>
}

/** How to connect to the Embedded PostgreSQL of a system as its owner. */
export async function ownerConnection(cluster: TestCluster, namespace: string, system: string): Promise<ClientConfig> {
  const { host, port } = await serviceAddress(cluster, namespace, `${system}-postgresql`)
  const uri = new URL(await secretValue(cluster, namespace, `${system}-database`, 'ownerUri'))
  return {
    ...{ host, port, database: uri.pathname.slice(1), connectionTimeoutMillis: 5_000, query_timeout: 60_000 },
    ...{ user: decodeURIComponent(uri.username), password: decodeURIComponent(uri.password) },
  }
}

/** Each query has a connection of its own: tests kill the server between two of them. */
export async function databaseOf(cluster: TestCluster, namespace: string, system: string): Promise<TestDatabase> {
  const connection = await ownerConnection(cluster, namespace, system)
  return {
    async query<Row extends QueryResultRow>(sql: string, values: readonly unknown[] = []) {
      const client = new Client(connection)
      client.on('error', () => undefined)
      await client.connect()
      try {
        return (await client.query<Row>(sql, [...values])).rows
      } finally {
        await client.end()
      }
    },
  }
}

/** One value of a Secret. @throws Error when it is not there. */
export async function secretValue(cluster: TestCluster, namespace: string, name: string, key: string): Promise<string> {
  const secret = await cluster.get(kinds.Secret, { namespace, name })
  const value = (secret?.['data'] as Record<string, string> | undefined)?.[key]
  if (value === undefined) throw new Error(`Secret ${namespace}/${name} has no ${key}`)
  return Buffer.from(value, 'base64').toString('utf8')
}
