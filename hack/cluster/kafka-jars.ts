import { join } from 'node:path'
import { cached } from './build-cache.ts'
import { run } from './command.ts'
import { contentHash } from './content-hash.ts'
import { repository } from './folders.ts'

/** Folder with what the Kafka image is made of; holds pom.xml. */
export const kafkaImageFolder = join(repository, 'config/images/kafka')

/** A folder with Kafka's jars, from Maven Central or the cache. */
export async function kafkaJars(): Promise<string> {
  const pom = join(kafkaImageFolder, 'pom.xml')
  return cached('kafka-jars', await contentHash({ files: { 'pom.xml': pom } }), async (draft) => {
    const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${draft}`]
    await run('mvn', ['--batch-mode', '--quiet', '--file', pom, ...goal], { timeout: 600_000 })
  })
}
