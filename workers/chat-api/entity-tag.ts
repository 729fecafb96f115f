import { HttpProblem } from '../lib/http-errors.ts'

/** The ETag of a task: its version. Strong, because two representations of one version are byte for byte the same. */
export const entityTag = (version: number): string => `"${version}"`

/**
 * The versions an If-Match header allows, or undefined when it is absent or `*`. A weak tag never matches (RFC 9110 §13.1.1
 * demands strong comparison) and neither does a foreign one, which leaves an empty list: the change is then refused with 412.
 */
export function expectedVersions(ifMatch: string | undefined): readonly number[] | undefined {
  if (ifMatch === undefined || ifMatch.trim() === '*') return undefined
  const tags = ifMatch.split(',').map((tag) => tag.trim())
  if (tags.some((tag) => !/^(?:W\/)?"[\x21\x23-\x7e]*"$/.test(tag))) {
    const message = 'must be an entity tag in quotes as given by ETag, for example "3"'
    throw new HttpProblem('INVALID_INPUT', `If-Match ${message}`, { errors: [{ path: 'header.if-match', message }] })
  }
  return tags.flatMap((tag) => (/^"\d{1,9}"$/.test(tag) ? [Number(tag.slice(1, -1))] : []))
}

/** True when the caller already has this version. */
export const isCurrent = (ifNoneMatch: string | undefined, version: number): boolean =>
  ifNoneMatch !== undefined &&
  ifNoneMatch.split(',').some((tag) => ['*', entityTag(version)].includes(tag.trim().replace(/^W\//, '')))
