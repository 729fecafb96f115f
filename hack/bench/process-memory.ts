import { readFile } from 'node:fs/promises'

/** Memory of a process, in bytes. */
export interface ProcessMemory {
  readonly resident: number
  /** The highest resident size since the process started. */
  readonly peak: number
  /** The part of `resident` that is the process's own. */
  readonly anonymous: number
  /** The part that is mapped from files, which processes of one program on a node share. */
  readonly files: number
}

/** Reads /proc/<pid>/status. @throws Error when the process is gone. */
export async function processMemory(pid: number): Promise<ProcessMemory> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8')
  const field = (name: string): number => {
    const value = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]
    if (value === undefined) throw new Error(`/proc/${pid}/status has no ${name}: the process has ended`)
    return Number(value) * 1024
  }
  return { resident: field('VmRSS'), peak: field('VmHWM'), anonymous: field('RssAnon'), files: field('RssFile') }
}
