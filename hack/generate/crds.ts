import { customResourceDefinition } from '../../operator/src/api/v1alpha1/crd.ts'
import { definitions } from '../../operator/src/api/v1alpha1/definitions.ts'
import { group } from '../../operator/src/api/v1alpha1/todochatbot.ts'
import { generatedHeader, toYaml } from './artefact.ts'
import type { Artefact } from './artefact.ts'

/** The CustomResourceDefinitions, for kubectl and for the chart. */
export const crdArtefacts = (): Artefact[] => {
  const files = definitions.map((definition) => ({
    file: `${group}_${definition.plural}.yaml`,
    text: generatedHeader + toYaml(customResourceDefinition(definition)),
  }))
  const list = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: files.map(({ file }) => file),
  }
  return [
    ...files.flatMap(({ file, text }) =>
      ['crds', 'charts/todochatbot-operator/crds'].map((folder) => ({ path: `${folder}/${file}`, text })),
    ),
    { path: 'crds/kustomization.yaml', text: generatedHeader + toYaml(list) },
  ]
}
