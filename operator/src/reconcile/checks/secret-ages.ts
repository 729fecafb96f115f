/** secret-ages: how old the Secrets are that the system reads. Their creation is known from the reading; nothing is asked. */
import { referencedSecrets } from '../../desired/secret-references.ts'
import type { KubeObject } from '../../kube/object.ts'
import { found, judged, passed, type CheckFamily, type Outcome } from './check.ts'
import { count, some } from './figures.ts'

const old = 365 * 86_400_000

/** Judges by the time of creation. @param secrets those that are known @param now ms since the epoch */
export function judgeSecretAges(secrets: readonly Pick<KubeObject, 'metadata'>[], now: number): Outcome {
  const name = 'secret-ages'
  if (secrets.length === 0) return found(name, 'Unknown', 'no Secret has been read yet')
  const aged = secrets.filter(({ metadata }) => now - Date.parse(metadata.creationTimestamp ?? '') > old)
  const figure = count(secrets.length, 'Secret')
  if (aged.length === 0) return passed(name, figure)
  const said = aged.map(
    ({ metadata }) => `Secret/${metadata.name} is of ${(metadata.creationTimestamp ?? '').slice(0, 10)}`,
  )
  return found(name, 'Warning', some(said), figure)
}

/** The family. @param read the metadata of a Secret that was read before */
export const secretAges = (read: (ref: { namespace: string; name: string }) => KubeObject | undefined): CheckFamily =>
  judged(['secret-ages'], ({ observed: { seen } }) => {
    const { namespace } = seen.bot.metadata
    const known = referencedSecrets(seen.bot).flatMap(({ name }) => read({ namespace, name }) ?? [])
    return [judgeSecretAges(known, seen.now)]
  })
