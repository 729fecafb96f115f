import { customResourceDefinition } from '../../operator/src/api/v1alpha1/crd.ts'
import { group, plural } from '../../operator/src/api/v1alpha1/todochatbot.ts'
import { generatedHeader, toYaml } from './artefact.ts'
import type { Artefact } from './artefact.ts'

/** The CustomResourceDefinition, for kubectl and for the chart. */
export const crdArtefacts = (): Artefact[] => {
  const text = generatedHeader + toYaml(customResourceDefinition())
  const file = `${group}_${plural}.yaml`
  return [
    { path: `crds/${file}`, text },
    { path: `charts/todochatbot-operator/crds/${file}`, text },
  ]
}
