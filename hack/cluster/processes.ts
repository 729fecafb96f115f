import { readdir, readFile } from 'node:fs/promises'

/** A process as /proc shows it. */
export interface RunningProcess {
  readonly pid: number
  /** Clock ticks after boot: with the PID it names a process for good. */
  readonly startTime: string
  /** Value of the environment variable it was found by. */
  readonly marker: string
  readonly command: string
}

/**
 * The processes started with an environment variable of this name, whatever its value. Processes of other users are
 * seen by root only; one that ends while it is looked at is left out.
 */
export async function findProcesses(variable: string): Promise<RunningProcess[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))
  const found = await Promise.all(pids.map((pid) => inspect(Number(pid), variable)))
  return found.filter((process) => process !== undefined)
}

async function inspect(pid: number, variable: string): Promise<RunningProcess | undefined> {
  try {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8')
    const entry = environment.split('\0').find((line) => line.startsWith(`${variable}=`))
    if (entry === undefined) return undefined
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z') return undefined
    return {
      pid,
      startTime: fields[19] ?? '',
      marker: entry.slice(variable.length + 1),
      command: (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0')[0] ?? '',
    }
  } catch {
    // Gone meanwhile, a kernel thread, or another user's process: none of ours.
    return undefined
  }
}
