import { spawn } from 'node:child_process'

/** How to run a program to its end. */
export interface RunOptions {
  /** Working directory. */
  readonly cwd?: string
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>
  /** Written to the program's standard input, which is then closed. */
  readonly input?: string
  /** Milliseconds until the program is killed and the run fails; default 120 000. */
  readonly timeout?: number
  /** Ends the program early. */
  readonly signal?: AbortSignal
  /** Called with every line the program writes to standard error, for progress. */
  readonly onLine?: (line: string) => void
  /** The same for standard output. */
  readonly onOutputLine?: (line: string) => void
  readonly uid?: number
  readonly gid?: number
}

/** A program that ended badly: the message holds the command line and the end of what it wrote. */
export class CommandError extends Error {
  readonly exitCode: number | null
  readonly stderr: string

  constructor(commandLine: string, exitCode: number | null, reason: string, stderr: string) {
    super(`${commandLine}: ${reason}\n${lastLines(stderr, 15)}`.trimEnd())
    this.name = 'CommandError'
    this.exitCode = exitCode
    this.stderr = stderr
  }
}

/** Hands whole lines on as chunks arrive. */
function lineSplitter(onLine: ((line: string) => void) | undefined): (chunk: string) => void {
  let partial = ''
  return (chunk) => {
    const lines = (partial + chunk).split('\n')
    partial = lines.pop() ?? ''
    for (const line of lines) onLine?.(line)
  }
}

const lastLines = (text: string, count: number): string => text.trimEnd().split('\n').slice(-count).join('\n')

/**
 * Runs a program and returns its standard output.
 * @throws CommandError when it cannot start, ends with a code other than 0 or outlives its timeout.
 */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const commandLine = [program, ...args].join(' ').slice(0, 400)
  const timeout = options.timeout ?? 120_000
  const timer = AbortSignal.timeout(timeout)
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: options.env ? { ...process.env, ...options.env } : process.env,
    uid: options.uid,
    gid: options.gid,
    stdio: 'pipe',
    signal: options.signal ? AbortSignal.any([options.signal, timer]) : timer,
    killSignal: 'SIGKILL',
  })
  let stdout = ''
  let stderr = ''
  const outputLines = lineSplitter(options.onOutputLine)
  const errorLines = lineSplitter(options.onLine)
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk
    outputLines(chunk)
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr = (stderr + chunk).slice(-200_000)
    errorLines(chunk)
  })
  // A program that ends without reading its input closes the pipe; its exit code tells more than EPIPE.
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input ?? '')
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      const reason = timer.aborted ? `still running after ${timeout / 1000} s, killed` : error.message
      reject(new CommandError(commandLine, null, reason, stderr))
    })
    child.once('close', (code, signal) => {
      if (code === 0) resolve(stdout)
      else
        reject(
          new CommandError(
            commandLine,
            code,
            signal ? `ended by ${signal}` : `exit code ${code ?? '?'}`,
            stderr || stdout,
          ),
        )
    })
  })
}

/** Whether a program ends with exit code 0; never throws for a program that fails or is missing. */
export async function succeeds(program: string, args: readonly string[], options: RunOptions = {}): Promise<boolean> {
  try {
    await run(program, args, options)
    return true
  } catch (error) {
    if (error instanceof CommandError) return false
    throw error
  }
}
