import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** How a pod of a Job ended. */
export interface JobEnd {
  /** null: it was killed. */
  readonly code: number | null
  /** Its termination message; empty: it said nothing. */
  readonly lastWords: string
  /** ms */
  readonly took: number
}

/** A pod of a Job that runs. */
export interface JobProcess {
  /** SIGKILL. */
  readonly kill: () => void
  readonly ended: Promise<JobEnd>
}

/** What its pod is given. */
export interface JobOptions {
  readonly job: 'backup' | 'restore'
  readonly args: readonly string[]
  readonly config: unknown
  /** Holds one file per secret. */
  readonly secretsDirectory: string
  /** For config.json and the last words. */
  readonly folder: string
  /** PATH. */
  readonly searchPath: string
}

/** Starts a Job's `main.ts` in a process of its own, as its pod does. */
export async function startJobProcess(options: JobOptions): Promise<JobProcess> {
  const terminationLog = join(options.folder, 'termination-log')
  await mkdir(options.folder, { recursive: true })
  await rm(terminationLog, { force: true })
  await writeFile(join(options.folder, 'config.json'), JSON.stringify(options.config))
  const program = fileURLToPath(new URL(`../../jobs/${options.job}/main.ts`, import.meta.url))
  const started = performance.now()
  const child = spawn(process.execPath, [program, ...options.args], {
    env: {
      PATH: options.searchPath,
      TODOCHATBOT_CONFIG_DIR: options.folder,
      TODOCHATBOT_SECRETS_DIR: options.secretsDirectory,
      TERMINATION_LOG: terminationLog,
    },
    stdio: 'ignore',
  })
  return {
    kill: () => void child.kill('SIGKILL'),
    ended: once(child, 'exit').then(async ([code]) => ({
      code: code as number | null,
      lastWords: await readFile(terminationLog, 'utf8').catch(() => ''),
      took: performance.now() - started,
    })),
  }
}
