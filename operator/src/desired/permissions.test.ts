import { expect, test } from 'vitest'
import { aTodoChatbot, someFacts } from '../../test/support/builders.ts'
import { evidencePermissions, operatorPermissions, workloadPermissions } from '../api/v1alpha1/permissions.ts'
import { kinds } from '../kube/kinds.ts'
import { desire } from './index.ts'

const verbsOn = (group: string, resource: string): readonly string[] =>
  workloadPermissions
    .filter(({ apiGroups, resources }) => apiGroups.includes(group) && resources.includes(resource))
    .flatMap(({ verbs }) => verbs)

test('every object that is built may be written, and no more than its policy needs', () => {
  for (const { object, policy } of desire(aTodoChatbot(), someFacts())) {
    const kind = Object.values(kinds).find((one) => one.kind === object.kind)
    const verbs = verbsOn(kind?.group ?? '?', kind?.plural ?? '?')
    expect(verbs, object.kind).toContain('create')
    expect(verbs.includes('patch'), object.kind).toBe(policy === 'Apply')
  }
})

test('Secrets can be read by name and created, and neither listed nor changed nor deleted', () =>
  expect(verbsOn('', 'secrets').toSorted()).toEqual(['create', 'get']))

test('nothing is granted by a wildcard, and nobody can be given more than that', () => {
  for (const { apiGroups, resources, verbs } of [...workloadPermissions, ...operatorPermissions]) {
    expect([...apiGroups, ...resources, ...verbs]).not.toContain('*')
    for (const verb of ['escalate', 'bind', 'impersonate', 'deletecollection']) expect(verbs).not.toContain(verb)
    expect(resources).not.toContain('pods/exec')
  }
})

test('the operator holds everything that it lets the Job of an Incident read, and the Job can only read', () => {
  const rules = workloadPermissions.filter((rule) => !evidencePermissions.includes(rule))
  expect(rules.length).toBe(workloadPermissions.length - evidencePermissions.length)
  expect(workloadPermissions).toEqual(expect.arrayContaining([...evidencePermissions]))
  for (const { verbs, resources } of evidencePermissions) {
    expect(verbs.filter((verb) => verb !== 'get' && verb !== 'list')).toEqual([])
    expect(resources).not.toContain('secrets')
    expect(resources).not.toContain('configmaps')
  }
})
