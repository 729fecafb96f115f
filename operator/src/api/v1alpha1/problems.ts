import type { z } from 'zod'

/** One thing that is wrong with a spec, for people: which field, what is wrong with it, what is allowed. */
export interface SpecProblem {
  /** Path such as `spec.database.pool.min`. */
  readonly path: string
  readonly message: string
}

/** A path the way kubectl prints it: `spec.kafka.bootstrapServers[0]`. */
export const formatPath = (prefix: string, path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${String(part)}]` : `${text}.${String(part)}`),
    prefix,
  )

/** The problems zod found below `prefix`. Unknown fields are reported one by one with their own path. */
export const problemsOf = (error: z.ZodError, prefix: string): SpecProblem[] =>
  error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ path: formatPath(prefix, [...issue.path, key]), message: 'unknown field' }))
      : [{ path: formatPath(prefix, issue.path), message: issue.message }],
  )

/** One line for a condition: at most `limit` problems, then how many more there are. */
export const describeProblems = (problems: readonly SpecProblem[], limit = 5): string => {
  const shown = problems.slice(0, limit).map((problem) => `${problem.path}: ${problem.message}`)
  const rest = problems.length - shown.length
  return rest > 0 ? `${shown.join('; ')}; and ${String(rest)} more` : shown.join('; ')
}
