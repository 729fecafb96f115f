import { operatorPermissions, workloadPermissions } from '../../operator/src/api/v1alpha1/permissions.ts'
import type { Permission } from '../../operator/src/api/v1alpha1/permissions.ts'
import { definitions } from '../../operator/src/api/v1alpha1/definitions.ts'
import { betweenMarkers, generatedHeader } from './artefact.ts'
import type { Artefact } from './artefact.ts'

const list = (values: readonly string[]): string => `[${values.map((value) => `'${value}'`).join(', ')}]`

/** The rules of a role, each with the reason it is there. */
const rules = (permissions: readonly Permission[], indent = ''): string =>
  permissions
    .map(({ apiGroups, resources, verbs, because }) =>
      [`# ${because}`, `- apiGroups: ${list(apiGroups)}`, `  resources: ${list(resources)}`, `  verbs: ${list(verbs)}`]
        .map((line) => `${indent}${line}\n`)
        .join(''),
    )
    .join('')

const role = (kind: string, name: string, permissions: readonly Permission[]): string =>
  `apiVersion: rbac.authorization.k8s.io/v1\nkind: ${kind}\nmetadata:\n  name: ${name}\nrules:\n${rules(permissions, '  ')}`

/** What a person may do with the resources; aggregated into the roles every cluster has. */
const personRole = (
  name: string,
  into: readonly string[],
  verbs: readonly string[],
  statusVerbs: readonly string[],
): string =>
  [
    'apiVersion: rbac.authorization.k8s.io/v1',
    'kind: ClusterRole',
    'metadata:',
    `  name: ${name}`,
    '  labels:',
    ...into.map((target) => `    rbac.authorization.k8s.io/aggregate-to-${target}: 'true'`),
    'rules:',
    "  - apiGroups: ['todochatbot.dev']",
    `    resources: ${list(definitions.map(({ plural }) => plural))}`,
    `    verbs: ${list(verbs)}`,
    "  - apiGroups: ['todochatbot.dev']",
    `    resources: ${list(definitions.map(({ plural }) => `${plural}/status`))}`,
    `    verbs: ${list(statusVerbs)}`,
    '',
  ].join('\n')

const reads = ['get', 'list', 'watch']

const personRoles = (prefix: string): string =>
  [
    personRole(
      `${prefix}-edit`,
      ['admin', 'edit'],
      [...reads, 'create', 'delete', 'deletecollection', 'patch', 'update'],
      ['get'],
    ),
    personRole(`${prefix}-view`, ['view'], reads, ['get']),
  ].join('---\n')

/** RBAC for kustomize as whole files, and the same rules inside the chart's templates. */
export const rbacArtefacts = (root: URL): Artefact[] => {
  const chart = 'charts/todochatbot-operator/templates'
  return [
    {
      path: 'config/rbac/role.yaml',
      text:
        generatedHeader +
        [
          role('ClusterRole', 'todochatbot-operator', workloadPermissions),
          role('Role', 'todochatbot-operator-leader-election', operatorPermissions),
          personRoles('todochatbot-operator'),
        ].join('---\n'),
    },
    betweenMarkers(root, `${chart}/_rules.tpl`, rules(workloadPermissions)),
    betweenMarkers(root, `${chart}/leader-election.yaml`, rules(operatorPermissions, '  ')),
    betweenMarkers(root, `${chart}/person-roles.yaml`, personRoles('{{ include "todochatbot-operator.fullname" . }}')),
  ]
}
