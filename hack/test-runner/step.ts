import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { repository } from '../cluster/folders.ts'

/** One command of the run. */
export interface StepSpec {
  /** Short; also names the log. */
  readonly name: string
  readonly command: readonly [string, ...string[]]
  /** ms until it is killed with everything it started, and counts as failed. */
  readonly timeout: number
  readonly env?: Readonly<Record<string, string>>
}

/** How a step ended. */
export interface StepResult {
  readonly name: string
  readonly ok: boolean
  /** ms. */
  readonly elapsed: number
  /** Everything the command wrote. */
  readonly logPath: string
  /** Why it is not ok, in a few words. */
  readonly problem?: string
}

/**
 * Runs a command in the repository's root with its output in `<logs>/<name>.log`. Never rejects because of the
 * command: the result says how it ended. A timeout, or the abort of `signal`, kills its whole process group.
 */
export async function runStep(spec: StepSpec, logs: string, signal: AbortSignal): Promise<StepResult> {
  const started = performance.now()
  await mkdir(logs, { recursive: true })
  const logPath = join(logs, `${spec.name.replaceAll(/[^a-z0-9]+/g, '-')}.log`)
  const ended = (problem?: string): StepResult => {
    const base = { name: spec.name, elapsed: performance.now() - started, logPath }
    return problem === undefined ? { ...base, ok: true } : { ...base, ok: false, problem }
  }
  if (signal.aborted) return ended('not started: the run was ended before')
  const log = await open(logPath, 'w')
  try {
    const [program, ...args] = spec.command
    const child = spawn(program, args, {
      cwd: repository,
      env: { ...process.env, ...spec.env, FORCE_COLOR: '0', NO_COLOR: '1' },
      stdio: ['ignore', log.fd, log.fd],
      detached: true,
    })
    const timeout = AbortSignal.timeout(spec.timeout)
    const limit = AbortSignal.any([signal, timeout])
    const killGroup = (): void => {
      if (child.pid === undefined) return
      try {
        process.kill(-child.pid, 'SIGKILL')
      } catch {
        // The group has ended between the decision and the signal.
      }
    }
    limit.addEventListener('abort', killGroup, { once: true })
    try {
      const [code, killedBy] = (await once(child, 'close')) as [number | null, string | null]
      if (timeout.aborted) return ended(`still running after ${seconds(spec.timeout)}, killed`)
      if (limit.aborted) return ended('ended with the run')
      if (code === 0) return ended()
      return ended(code === null ? `ended by ${killedBy ?? 'a signal'}` : `exit code ${code}`)
    } catch (error) {
      return ended(error instanceof Error ? error.message : String(error))
    } finally {
      limit.removeEventListener('abort', killGroup)
    }
  } finally {
    await log.close()
  }
}

/** 83 000 → 1 min 23 s */
export function seconds(milliseconds: number): string {
  const total = Math.round(milliseconds / 1000)
  return total < 60 ? `${total} s` : `${Math.floor(total / 60)} min ${total % 60} s`
}

/** The last lines of a step's log. */
export async function logEnd(result: StepResult, lines: number): Promise<string> {
  const text = await readFile(result.logPath, 'utf8').catch(() => '')
  return text.trimEnd().split('\n').slice(-lines).join('\n')
}
