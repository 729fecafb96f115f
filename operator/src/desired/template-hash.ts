import { contentHash, shortHash } from './hash.ts'

/**
 * Identity of a pod template: `<content>` or, when restarts were asked for, `<content>-<restarts>`. It is an annotation of the template, so
 * Deployment and ReplicaSets carry it, and a template of the past can be found by it.
 */
export const templateHash = (template: unknown, restarts: string | undefined): string =>
  restarts === undefined ? contentHash(template) : `${contentHash(template)}-${shortHash(restarts)}`

/** Whether two templates differ in nothing but the restarts asked for. */
export const differsInRestartOnly = (a: string, b: string): boolean => a !== b && a.split('-')[0] === b.split('-')[0]
