import { readFile } from 'node:fs/promises'

/** Clock ticks per second in /proc; Linux has had 100 on every architecture since it was made a constant (USER_HZ). */
const TICKS = 100

/** CPU time of a process since it started, user and system together, in ms (in steps of 10). @throws Error when it is gone. */
export async function processCpu(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8')
  return cpuOf(text)
}

/** The same from the text of /proc/<pid>/stat. The second field is the program's name and may hold spaces and parentheses. */
export function cpuOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [user, system] = [Number(fields[11]), Number(fields[12])]
  if (!Number.isFinite(user + system)) throw new Error('/proc/<pid>/stat has no CPU times')
  return ((user + system) * 1000) / TICKS
}
