/**
 * Asks the pods of all systems something over HTTP, in the background: a reconcile reads the last answers and never waits.
 *
 * Invariants
 *  - a pod is asked when it is new, got another address or its container restarted, then every `period`; one that fails is asked again after
 *    `retry`, doubling up to `period`, so a container that is still starting is seen ready soon and a dead one costs little;
 *  - a pod whose readiness changed is asked at once, for the reason; its last answer stands until there is another one;
 *  - a pod that answered the last time is told as failed only when it fails twice in a row, `retry` apart: one lost answer is no reason to call
 *    a system not ready;
 *  - at most `parallel` questions at once, each with the deadline of its {@link AskPod}; the API server is never asked;
 *  - `onChange` fires for the owner only when an answer differs from the one before;
 *  - memory only: after a restart everything is asked again.
 * Proof: pod-watch.test.ts.
 */
import { reasonOf } from './reason.ts'

/** A pod that is to be asked. */
export interface PodTarget {
  readonly pod: string
  readonly ip: string
  /** Of the asked container. */
  readonly port: number
  /** Changes when the asked container restarts: a new process has to be asked again. */
  readonly incarnation: string
  /** As the kubelet sees it, where the answer says why. */
  readonly ready?: boolean
}

/** Asks one pod. Throws when it does not answer, or not as expected; has a deadline of its own. */
export type AskPod<Answer> = (target: PodTarget, signal: AbortSignal) => Promise<Answer>

/** What is known of a pod. */
export type PodReport<Answer> =
  | { readonly state: 'Unknown' }
  | { readonly state: 'Answered'; readonly answer: Answer }
  | { readonly state: 'Failed'; readonly message: string }

/** See the header of this file. */
export interface PodWatch<Answer> {
  /** Declares the pods of `owner`; others of earlier calls are forgotten. Returns what is known, by pod name. */
  ensure: (owner: string, targets: readonly PodTarget[]) => ReadonlyMap<string, PodReport<Answer>>
  release: (owner: string) => void
  /** Ends all timers and waits for running questions. */
  stop: () => Promise<void>
}

/** Times in ms. */
export interface PodWatchOptions<Answer> {
  readonly ask: AskPod<Answer>
  readonly onChange: (owner: string) => void
  readonly period: number
  readonly retry: number
  readonly parallel: number
}

interface Watched<Answer> {
  readonly owner: string
  target: PodTarget
  report: PodReport<Answer>
  failures: number
  /** Until the next question; undefined while it is being asked or about to be. */
  timer: NodeJS.Timeout | undefined
}

/** Makes a watch. It does nothing until the first declaration. */
export function podWatch<Answer>(options: PodWatchOptions<Answer>): PodWatch<Answer> {
  const stopping = new AbortController()
  const owners = new Map<string, Map<string, Watched<Answer>>>()
  const due: Watched<Answer>[] = []
  const running = new Set<Promise<void>>()

  const current = (watched: Watched<Answer>): boolean =>
    !stopping.signal.aborted && owners.get(watched.owner)?.get(watched.target.pod) === watched

  const pump = (): void => {
    while (running.size < options.parallel) {
      const next = due.shift()
      if (next === undefined) return
      if (!current(next)) continue
      const question = ask(next).finally(() => {
        running.delete(question)
        pump()
      })
      running.add(question)
    }
  }

  const ask = async (watched: Watched<Answer>): Promise<void> => {
    const report = await options.ask(watched.target, stopping.signal).then(
      (answer): PodReport<Answer> => ({ state: 'Answered', answer }),
      (error: unknown): PodReport<Answer> => ({ state: 'Failed', message: reasonOf(error) }),
    )
    if (!current(watched)) return
    watched.failures = report.state === 'Failed' ? watched.failures + 1 : 0
    const doubted = watched.failures === 1 && watched.report.state === 'Answered'
    const changed = !doubted && JSON.stringify(report) !== JSON.stringify(watched.report)
    if (!doubted) watched.report = report
    const delay =
      watched.failures === 0 ? options.period : Math.min(options.period, options.retry * 2 ** (watched.failures - 1))
    watched.timer = setTimeout(
      () => {
        askSoon(watched)
        pump()
      },
      delay * (0.9 + Math.random() * 0.2),
    )
    if (changed) options.onChange(watched.owner)
  }

  const askSoon = (watched: Watched<Answer>): void => {
    clearTimeout(watched.timer)
    watched.timer = undefined
    due.push(watched)
  }

  const forget = (pods: ReadonlyMap<string, Watched<Answer>> | undefined): void => {
    for (const { timer } of pods?.values() ?? []) clearTimeout(timer)
  }

  return {
    ensure: (owner, targets) => {
      const before = owners.get(owner) ?? new Map<string, Watched<Answer>>()
      const now = new Map<string, Watched<Answer>>()
      for (const target of targets) {
        const known = before.get(target.pod)
        if (known !== undefined && isSame(known.target, target)) {
          now.set(target.pod, known)
          before.delete(target.pod)
          if (known.target.ready !== target.ready && known.timer !== undefined) askSoon(known)
          known.target = target
        } else {
          const watched: Watched<Answer> = {
            owner,
            target,
            report: { state: 'Unknown' },
            failures: 0,
            timer: undefined,
          }
          now.set(target.pod, watched)
          askSoon(watched)
        }
      }
      forget(before)
      if (now.size === 0) owners.delete(owner)
      else owners.set(owner, now)
      pump()
      return new Map([...now].map(([pod, { report }]) => [pod, report]))
    },
    release: (owner) => {
      forget(owners.get(owner))
      owners.delete(owner)
    },
    stop: async () => {
      stopping.abort()
      for (const pods of owners.values()) forget(pods)
      await Promise.all(running)
    },
  }
}

const isSame = (one: PodTarget, other: PodTarget): boolean =>
  one.ip === other.ip && one.port === other.port && one.incarnation === other.incarnation
