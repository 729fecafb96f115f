/**
 * Builds the product's images for a registry: `node hack/images/build.ts --tag 0.1.0 [--registry registry.example.org/todo]
 * [--with docker|buildah]`. The dev cluster does not need it: `hack/up` builds what it runs.
 */
import { parseArgs } from 'node:util'
import { join } from 'node:path'
import { repository } from '../cluster/folders.ts'
import { kafkaJars } from '../cluster/kafka-jars.ts'
import { buildah, docker } from './builder.ts'
import { bundle } from './bundle.ts'
import { productImages } from './recipe.ts'

const { values } = parseArgs({
  options: {
    tag: { type: 'string' },
    registry: { type: 'string', default: 'docker.io/todochatbot' },
    with: { type: 'string', default: 'docker' },
  },
})
if (values.tag === undefined || (values.with !== 'docker' && values.with !== 'buildah')) {
  console.error('usage: node hack/images/build.ts --tag <tag> [--registry <host/path>] [--with docker|buildah]')
  process.exit(2)
}
const bundles = join(repository, 'dist')
const [jars] = await Promise.all([kafkaJars(), bundle(bundles)])
const builder = values.with === 'docker' ? docker() : buildah()
const recipes = [
  productImages.operator({ bundles }),
  productImages.workers({ bundles }),
  productImages.backup({ bundles }),
  productImages.kafka({ kafkaJars: jars }),
  productImages.postgresql(),
  productImages.redis(),
]
for (const recipe of recipes) {
  const reference = `${values.registry}/${recipe.name}:${values.tag}`
  await builder.build(recipe, reference)
  console.log(reference)
}
