import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { parseAllDocuments } from 'yaml'
import { apiClient } from '../../cluster/api-client.ts'
import type { ApiClient } from '../../cluster/api-client.ts'
import { repository } from '../../cluster/folders.ts'
import { goModuleFolder } from '../../cluster/go-programs.ts'
import { startControlPlane } from '../../cluster/index.ts'
import type { IsolatedControlPlane } from '../../cluster/index.ts'
import { waitFor } from '../../cluster/waiting.ts'
import { inFlight } from '../statistics.ts'
import { databaseSecret, topicsOf } from './resources.ts'
import type { Dependencies, SystemName } from './resources.ts'

/** One contestant's own API server with everything in place before the first resource. */
export interface BenchControlPlane {
  readonly plane: IsolatedControlPlane
  readonly client: ApiClient
  stop(): Promise<void>
}

/** Starts etcd and kube-apiserver with audit log, installs the CRDs, and makes namespaces and Secrets. */
export async function startBenchControlPlane(
  systems: readonly SystemName[],
  databaseUri: string,
): Promise<BenchControlPlane> {
  // The default range holds 254 Services, and every system has four.
  const plane = await startControlPlane({ audit: true, extraArgs: ['--service-cluster-ip-range=10.128.0.0/12'] })
  const client = await apiClient(plane.kubeconfigPath)
  try {
    await installDefinitions(client)
    for (const namespace of new Set(systems.map((system) => system.namespace))) {
      await client.call('POST', '/api/v1/namespaces', { metadata: { name: namespace } })
      await client.call('POST', `/api/v1/namespaces/${namespace}/secrets`, {
        metadata: { name: databaseSecret },
        stringData: { uri: databaseUri },
      })
    }
  } catch (error) {
    await client.close()
    await plane.stop()
    throw error
  }
  return {
    plane,
    client,
    async stop() {
      await client.close()
      await plane.stop()
    },
  }
}

interface Definition {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly spec: {
    readonly group: string
    readonly names: { readonly plural: string }
    readonly versions: readonly [{ readonly name: string }]
  }
}

async function installDefinitions(client: ApiClient): Promise<void> {
  const dapr = join(await goModuleFolder('github.com/dapr/dapr'), 'charts/dapr/crds')
  const definitions = [...(await definitionsIn(dapr)), ...(await definitionsIn(join(repository, 'crds')))]
  for (const definition of definitions) {
    const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
    await client.call('POST', path, definition)
  }
  for (const { metadata, spec } of definitions) {
    const path = `/apis/${spec.group}/${spec.versions[0].name}/${spec.names.plural}`
    await waitFor(`${metadata.name} served`, async () => (await client.call('GET', path)) !== undefined || undefined, {
      timeout: 30_000,
    })
  }
}

async function definitionsIn(folder: string): Promise<readonly Definition[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.yaml')).sort()
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')))
  return texts
    .flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as Definition | null))
    .filter((object) => object !== null)
    .filter(({ kind }) => kind === 'CustomResourceDefinition')
}

/** Creates every topic of every system with its final configuration, so that Kafka is no part of what is measured. */
export async function createTopics(systems: readonly SystemName[], dependencies: Dependencies): Promise<number> {
  const kafka = new Kafka({ brokers: [dependencies.kafka], logLevel: logLevel.NOTHING, requestTimeout: 120_000 })
  const admin = kafka.admin()
  await admin.connect()
  try {
    const topics = systems.flatMap((system) => topicsOf(system, dependencies))
    const batches = Array.from({ length: Math.ceil(topics.length / 150) }, (_, index) =>
      topics.slice(index * 150, (index + 1) * 150),
    )
    await inFlight(batches, 1, async (batch) => {
      await admin.createTopics({
        waitForLeaders: false,
        timeout: 60_000,
        topics: batch.map((topic) => ({
          topic: topic.name,
          numPartitions: topic.partitions,
          replicationFactor: topic.replicationFactor,
          configEntries: Object.entries(topic.config).map(([name, value]) => ({ name, value })),
        })),
      })
    })
    return topics.length
  } finally {
    await admin.disconnect()
  }
}
