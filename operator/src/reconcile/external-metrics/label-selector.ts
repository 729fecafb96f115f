/** The operator's share of Kubernetes' label selector grammar: everything `kubectl get -l` takes. Pure. */

/** Whether labels fit. */
export type Matches = (labels: Readonly<Record<string, string>>) => boolean

/** The text is no label selector; the message names the part. */
export class SelectorError extends Error {
  override readonly name = 'SelectorError'
}

/** Parses a selector; the empty one fits everything. @throws SelectorError */
export function labelSelector(text: string): Matches {
  // A comma inside parentheses belongs to a set.
  const parts = text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
  const requirements = parts.map(requirement)
  return (labels) => requirements.every((fits) => fits(labels))
}

const key = String.raw`([A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?)`
const value = String.raw`([A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?`
const equality = new RegExp(`^${key}\\s*(==|=|!=)\\s*${value}$`)
const membership = new RegExp(`^${key}\\s+(in|notin)\\s+\\(([^()]*)\\)$`)
const existence = new RegExp(`^(!?)\\s*${key}$`)

function requirement(part: string): Matches {
  const equal = equality.exec(part)
  if (equal !== null) {
    const [, name = '', operator, wanted = ''] = equal
    return operator === '!=' ? (labels) => labels[name] !== wanted : (labels) => labels[name] === wanted
  }
  const member = membership.exec(part)
  if (member !== null) {
    const [, name = '', operator, list = ''] = member
    const wanted = new Set(list.split(',').map((item) => item.trim()))
    const isIn: Matches = (labels) => labels[name] !== undefined && wanted.has(labels[name])
    return operator === 'in' ? isIn : (labels) => !isIn(labels)
  }
  const exists = existence.exec(part)
  if (exists === null) throw new SelectorError(`"${part}" is not part of a label selector`)
  const [, not, name = ''] = exists
  return not === '!' ? (labels) => !(name in labels) : (labels) => name in labels
}
