import { managedFieldsOf } from '../kube/object.ts'
import type { KubeObject, ManagedFieldsEntry } from '../kube/object.ts'

/**
 * Names of the other field managers that own any of the given fields, from the managedFields of a live object. Paths are those of
 * `differences`: an index or key of a list item is ignored, so that the answer may name a manager of a neighbouring item. When no
 * manager of the fields is recorded (they were removed), every other manager is named, the latest first.
 */
export const otherManagers = (live: KubeObject, ours: string, paths: readonly string[]): readonly string[] => {
  const others = [...managedFieldsOf(live)]
    .filter(({ manager, subresource }) => manager !== undefined && manager !== ours && subresource !== 'status')
    .sort((left, right) => (right.time ?? '').localeCompare(left.time ?? ''))
  const fields = paths.map((path) => path.replaceAll(/\[[^\]]*\]/g, '').split('.'))
  const owning = others.filter((entry) => fields.some((field) => owns(entry, field)))
  return [...new Set((owning.length > 0 ? owning : others).map(({ manager = '' }) => manager))]
}

/** Walks `f:` members along the path; list items (`k:`, `v:`) are all entered; an empty set owns everything below. */
const owns = ({ fieldsV1 }: ManagedFieldsEntry, path: readonly string[]): boolean =>
  fieldsV1 !== undefined && reaches(fieldsV1, path)

const reaches = (set: Readonly<Record<string, unknown>>, path: readonly string[]): boolean => {
  const members = Object.entries(set).filter((member): member is [string, Readonly<Record<string, unknown>>] =>
    isSet(member[1]),
  )
  const [field, ...rest] = path
  if (field === undefined || members.length === 0) return true
  return members.some(([name, below]) => {
    if (name.startsWith('k:') || name.startsWith('v:')) return reaches(below, path)
    return name === `f:${field}` && reaches(below, rest)
  })
}

const isSet = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null
