/** What a Job's pods said at their end (terminationMessagePath), as the schema of the Job reads it. Pure. */
import type { z } from 'zod'
import type { PodView } from '../todochatbot/views.ts'

/** One container's last words. */
export interface LastWords<Report> {
  readonly report: Report
  readonly succeeded: boolean
}

/** The last words of the newest pod whose words the schema accepts; undefined: nobody has said anything that could be understood. */
export function lastWordsOf<Report>(
  pods: readonly PodView[],
  schema: z.ZodType<Report>,
): LastWords<Report> | undefined {
  return wordsOf(pods, schema).next().value
}

/** What the newest pod that succeeded said. */
export function reportOf<Report>(pods: readonly PodView[], schema: z.ZodType<Report>): Report | undefined {
  for (const { report, succeeded } of wordsOf(pods, schema)) if (succeeded) return report
  return undefined
}

/** Everything that could be understood, that of the newest pod first. */
function* wordsOf<Report>(
  pods: readonly PodView[],
  schema: z.ZodType<Report>,
): Generator<LastWords<Report>, undefined> {
  for (const pod of [...pods].sort((a, b) => b.createdAt.localeCompare(a.createdAt))) {
    for (const { state } of pod.containers) {
      const said = state?.terminated
      if (said?.message === undefined) continue
      const parsed = schema.safeParse(parsedJson(said.message))
      if (parsed.success) yield { report: parsed.data, succeeded: said.exitCode === 0 }
    }
  }
}

/** Undefined for what is no JSON: some other image, or the end of a log. */
function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
