/** worker-health: a pod that Kubernetes calls Ready has to call itself healthy, too. */
import { count, some } from './figures.ts'
import { found, passed, type CheckFamily, type Outcome } from './check.ts'
import { isGrownUp, watchedWorkers } from './watched-workers.ts'
import type { AskVitals, Vitals } from './worker-vitals.ts'

/** Judges what the pods said. @param now ms since the epoch */
export function judgeHealth(vitals: readonly Vitals[], now: number): Outcome {
  const name = 'worker-health'
  const sick: string[] = []
  const late: string[] = []
  let healthy = 0
  for (const { pod, answer } of vitals) {
    const failing = 'problem' in answer ? [answer.problem] : failingOf(answer.checks)
    if (failing.length === 0 && pod.ready) healthy += 1
    else if (pod.ready) sick.push(`Pod/${pod.name} is Ready, and says: ${failing.join(', ')}`)
    else if (isGrownUp(pod, now))
      late.push(`Pod/${pod.name} is not Ready${failing.length > 0 ? `: ${failing.join(', ')}` : ''}`)
  }
  const figure = `${healthy} of ${count(vitals.length, 'pod')}`
  if (sick.length > 0) return found(name, 'Failed', some([...sick, ...late]), figure)
  return late.length > 0 ? found(name, 'Warning', some(late), figure) : passed(name, figure)
}

const failingOf = (checks: Readonly<Record<string, string>>): string[] =>
  Object.entries(checks).flatMap(([check, said]) => (said === 'ok' ? [] : [`${check}: ${said}`]))

/** The family. */
export const workerHealth = (ask: AskVitals): CheckFamily => ({
  names: ['worker-health'],
  check: async ({ observed }, signal) => ({
    outcomes: [judgeHealth(await ask(watchedWorkers(observed), signal), observed.seen.now)],
  }),
})
