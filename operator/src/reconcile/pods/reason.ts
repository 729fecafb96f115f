import { ZodError } from 'zod'
import { describeProblems, problemsOf } from '../../api/v1alpha1/problems.ts'

/** An error in words for a status: what Zod says is JSON, and a wrapped error is told by its cause. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof ZodError || error instanceof SyntaxError) {
    const what = error instanceof ZodError ? describeProblems(problemsOf(error, 'answer'), 3) : error.message
    return `the answer is not understood (is the worker of another version?): ${what}`
  }
  if (error.name === 'TimeoutError') return 'no answer in time'
  return error.cause instanceof Error ? error.cause.message : error.message
}
