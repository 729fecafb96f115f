/**
 * Runs the routine checks of all systems in the background: a reconcile declares what it saw, reads the last round and never waits.
 *
 * Invariants
 *  - the first round of a process comes within `spread`, so that a restart does not have all systems asked at once; then one every interval, every
 *    minute while a check has Failed, and at once when a new request is declared;
 *  - a round starts inside a declaration, with what that reconcile saw, which is dropped when the round is over: nothing is held between rounds;
 *  - at most `parallel` rounds at once; one per system;
 *  - `onChange` is called when a round is due, so that the reconcile declares again, and when a round found something else than the one before;
 *  - a request (an annotation) is answered by a round that started after it was seen;
 *  - memory only: what was found last is in the status of the resource, and stays there until a round of this process has found better.
 * Proof: check-watch.test.ts.
 */
import { sameJson } from '../todochatbot/same-json.ts'
import type { CheckFamily, CheckSubject } from './check.ts'
import { runRound, type Round } from './round.ts'

/** What is known of a system. */
export interface CheckReport extends Round {
  /** Value of the annotation that the newest round answers. */
  readonly request: string | undefined
}

/** See the header of this file. */
export interface CheckWatch {
  /** Declares the system; undefined while no round of this process is over. @param interval ms */
  ensure: (
    key: string,
    want: {
      readonly interval: number
      readonly request: string | undefined
      /** Request that the status calls answered. */
      readonly answered: string | undefined
      readonly subject: () => CheckSubject
    },
  ) => CheckReport | undefined
  release: (key: string) => void
  /** Ends all timers and waits for running rounds. */
  stop: () => Promise<void>
}

/** Times in ms. */
export interface CheckWatchOptions {
  readonly families: readonly CheckFamily[]
  readonly onChange: (key: string) => void
  /** After every round. */
  readonly onRound: (key: string) => void
  readonly spread: number
  /** How soon a system with a failed check is looked at again. */
  readonly retry: number
  readonly deadline: number
  readonly parallel: number
}

interface Watched {
  due: boolean
  running: boolean
  interval: number
  /** Request of the round that runs or ran last. */
  request: string | undefined
  report: CheckReport | undefined
  timer: NodeJS.Timeout | undefined
}

/** Makes a watch. It does nothing until the first declaration. */
export function checkWatch(options: CheckWatchOptions): CheckWatch {
  const stopping = new AbortController()
  const systems = new Map<string, Watched>()
  const running = new Set<Promise<void>>()

  const wakeAfter = (key: string, watched: Watched, delay: number): void => {
    clearTimeout(watched.timer)
    watched.timer = setTimeout(() => {
      watched.due = true
      options.onChange(key)
    }, delay)
  }

  const round = async (key: string, watched: Watched, subject: CheckSubject): Promise<void> => {
    const { request } = watched
    const before = watched.report?.outcomes
    const found = await runRound(options.families, subject, options.deadline, stopping.signal, before).catch(
      (error: unknown) => {
        if (stopping.signal.aborted) return undefined
        throw error
      },
    )
    watched.running = false
    if (found === undefined || systems.get(key) !== watched) return
    const report = { ...found, request }
    const changed = !sameJson(report, watched.report)
    watched.report = report
    options.onRound(key)
    const failed = found.outcomes.some(({ result }) => result === 'Failed')
    const pause = failed ? Math.min(options.retry, watched.interval) : watched.interval
    wakeAfter(key, watched, pause * (0.9 + Math.random() * 0.2))
    if (changed || watched.due) options.onChange(key)
  }

  return {
    ensure: (key, { interval, request, answered, subject }) => {
      const known = systems.get(key)
      const watched: Watched = known ?? {
        ...{ due: request !== answered, running: false, interval, request, report: undefined, timer: undefined },
      }
      if (known === undefined) {
        systems.set(key, watched)
        wakeAfter(key, watched, Math.random() * options.spread)
      }
      if (watched.interval !== interval && !watched.running) wakeAfter(key, watched, Math.random() * options.spread)
      watched.interval = interval
      if (watched.request !== request) {
        watched.request = request
        watched.due = true
      }
      if (watched.due && !watched.running && !stopping.signal.aborted) {
        if (running.size >= options.parallel) wakeAfter(key, watched, 500)
        else {
          watched.due = false
          watched.running = true
          clearTimeout(watched.timer)
          const work = round(key, watched, subject()).finally(() => running.delete(work))
          running.add(work)
        }
      }
      return watched.report
    },
    release: (key) => {
      clearTimeout(systems.get(key)?.timer)
      systems.delete(key)
      for (const { forget } of options.families) forget?.(key)
    },
    stop: async () => {
      stopping.abort()
      for (const { timer } of systems.values()) clearTimeout(timer)
      await Promise.all(running)
    },
  }
}
