import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, open, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { findProcesses } from './processes.ts'
import type { RunningProcess } from './processes.ts'
import { waitFor } from './waiting.ts'

/**
 * A long-running program of the cluster.
 *
 * There are no PID files: they lie after a crash, and a crash between starting a program and writing its file loses
 * it. Every program carries who it is in its environment instead (`TODOCHATBOT_DEV`), which the kernel shows under
 * /proc for as long as it lives and hands on to what it starts. Who is running is therefore always read, never
 * remembered, and `down` finds everything that `up` started and nothing else.
 */
export interface DaemonSpec {
  /** Unique within the state folder; also names the log. */
  readonly name: string
  readonly program: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Runs as this user and its group instead of the caller. */
  readonly user?: { readonly uid: number; readonly gid: number }
  /**
   * Whether it outlives the process that starts it (the cluster of `up`), or is killed by the kernel with it (a
   * test's servers, whatever way the test ends).
   */
  readonly lifetime: 'Detached' | 'Caller'
  /** Anything else whose change needs a restart: hashes of configuration files. */
  readonly revision?: string
}

/** A started daemon. */
export interface Daemon {
  readonly name: string
  readonly pid: number
  readonly logPath: string
  /** Whether it was started by this call, as opposed to found running with the same arguments. */
  readonly started: boolean
  running(): Promise<boolean>
  /** SIGTERM, then SIGKILL after `grace` ms (default 10 000); returns when the process is gone. */
  stop(grace?: number): Promise<void>
  /** SIGKILL; returns when the process is gone. */
  kill(): Promise<void>
}

/** The environment variable by which the processes of one state folder are recognised: `<stateDir>|<name>|<revision>`. */
export const MARKER = 'TODOCHATBOT_DEV'

/**
 * Makes sure the daemon runs with exactly these arguments: one that runs with others is stopped first, one that runs
 * with the same is left alone.
 */
export async function ensureDaemon(stateDir: string, spec: DaemonSpec): Promise<Daemon> {
  const revision = revisionOf(spec)
  const logPath = join(stateDir, 'logs', `${spec.name}.log`)
  for (const process of await findDaemon(stateDir, spec.name)) {
    // What the daemon started inherits its marker: containerd's shims must survive a restart of containerd.
    if (basename(process.command) !== basename(spec.program)) continue
    if (process.marker === marker(stateDir, spec.name, revision)) return handle(spec.name, process, logPath, false)
    await stopProcess(process, 'SIGTERM', 10_000)
  }
  await mkdir(join(stateDir, 'logs'), { recursive: true })
  const log = await open(logPath, 'a')
  try {
    const [program, args] = launchLine(spec)
    const child = spawn(program, args, {
      cwd: spec.cwd ?? stateDir,
      env: { ...process.env, ...spec.env, [MARKER]: marker(stateDir, spec.name, revision) },
      detached: spec.lifetime === 'Detached',
      stdio: ['ignore', log.fd, log.fd],
    })
    const pid = await new Promise<number>((resolve, reject) => {
      child.once('error', reject)
      child.once('spawn', () => {
        if (child.pid === undefined) reject(new Error(`${spec.program} has no process id`))
        else resolve(child.pid)
      })
    })
    child.unref()
    const found = (await findProcesses(MARKER)).find((process) => process.pid === pid)
    return handle(spec.name, found ?? { pid, startTime: '', marker: '', command: spec.program }, logPath, true)
  } finally {
    await log.close()
  }
}

/** The processes that carry the name of a daemon of this state folder; those it started itself (shims) included. */
export async function findDaemon(stateDir: string, name: string): Promise<RunningProcess[]> {
  const prefix = `${stateDir}|${name}|`
  return (await findProcesses(MARKER)).filter((process) => process.marker.startsWith(prefix))
}

/** Every process of this state folder. */
export async function findDaemons(stateDir: string): Promise<RunningProcess[]> {
  return (await findProcesses(MARKER)).filter((process) => process.marker.startsWith(`${stateDir}|`))
}

/** Sends a signal, waits `grace` ms for the end, then kills. A process that is gone already is fine. */
export async function stopProcess(
  process: RunningProcess,
  signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL',
  grace: number,
): Promise<void> {
  if (!(await isAlive(process))) return
  send(process.pid, signal)
  const ended = async (): Promise<true | undefined> => ((await isAlive(process)) ? undefined : true)
  try {
    await waitFor(`end of ${process.command}`, ended, { timeout: grace, interval: 50 })
  } catch {
    send(process.pid, 'SIGKILL')
    await waitFor(`end of ${process.command} after SIGKILL`, ended, { timeout: 10_000, interval: 50 })
  }
}

/** The end of a daemon's log, for error messages. */
export async function logTail(logPath: string, lines = 12): Promise<string> {
  const text = await readFile(logPath, 'utf8').catch(() => '')
  return text.trimEnd().split('\n').slice(-lines).join('\n')
}

const marker = (stateDir: string, name: string, revision: string): string => `${stateDir}|${name}|${revision}`

function revisionOf(spec: DaemonSpec): string {
  const identity = [spec.program, spec.args, spec.env ?? {}, spec.user ?? {}, spec.revision ?? '']
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 12)
}

/** setpriv (util-linux) changes user and asks the kernel for the death signal, then becomes the program: same PID. */
function launchLine(spec: DaemonSpec): [string, string[]] {
  const options: string[] = []
  if (spec.user) options.push(`--reuid=${spec.user.uid}`, `--regid=${spec.user.gid}`, '--clear-groups')
  if (spec.lifetime === 'Caller') options.push('--pdeathsig=KILL')
  return options.length === 0
    ? [spec.program, [...spec.args]]
    : ['setpriv', [...options, '--', spec.program, ...spec.args]]
}

function handle(name: string, process: RunningProcess, logPath: string, started: boolean): Daemon {
  return {
    name,
    pid: process.pid,
    logPath,
    started,
    running: () => isAlive(process),
    stop: (grace = 10_000) => stopProcess(process, 'SIGTERM', grace),
    kill: () => stopProcess(process, 'SIGKILL', 10_000),
  }
}

/** A PID counts only together with the start time of its process: PIDs are used again. A zombie is dead. */
async function isAlive(process: RunningProcess): Promise<boolean> {
  const stat = await readFile(`/proc/${process.pid}/stat`, 'utf8').catch(() => undefined)
  if (stat === undefined) return false
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (fields[0] === 'Z' || fields[0] === 'X') return false
  return process.startTime === '' || fields[19] === process.startTime
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
