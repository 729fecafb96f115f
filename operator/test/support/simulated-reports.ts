/** What the Job of every simulated Replay says. */
export const simulatedReplay = {
  counts: { read: 9, matched: 3, delivered: 2, duplicates: 1, ignored: 0, failed: 0, redelivered: 0 },
  types: [{ type: 'com.todo.task.created', matched: 3 }],
  failures: [],
  missing: [],
}

/** What a Job's pod says at its end, by its labels; undefined for Jobs that say nothing. */
export const lastWordsOf = (
  labels: Readonly<Record<string, string>>,
  missingEvidence: readonly object[],
): { readonly container: string; readonly report: object } | undefined => {
  const incident = labels['todochatbot.dev/incident']
  if (incident !== undefined) {
    const report = {
      file: `${incident}.tar.gz`,
      bytes: 2048,
      sha256: 'a'.repeat(64),
      collected: [{ what: 'logs', files: 2, bytes: 4096 }],
      missing: missingEvidence,
    }
    return { container: 'evidence', report }
  }
  return labels['todochatbot.dev/replay'] === undefined ? undefined : { container: 'replay', report: simulatedReplay }
}
