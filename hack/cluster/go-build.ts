import { run } from './command.ts'

/** Programs to build, and where they go. */
export interface GoBuild {
  /** Folder of the go.mod that decides on the versions. */
  readonly module: string
  readonly packages: readonly string[]
  readonly flags: readonly string[]
  /** Folder of the programs; each is named after its package. */
  readonly output: string
  /** Told the compiled packages and their approximate total. */
  readonly onProgress?: (done: number, total: number) => void
}

/** For every go command: programs without C, by the Go that is installed. */
export const goEnvironment = { CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOFLAGS: '-buildvcs=false' }

/** Builds Go programs. @throws CommandError, also after half an hour. */
export async function goBuild(build: GoBuild): Promise<void> {
  const { module, packages, flags, output, onProgress = () => undefined } = build
  // The compiler is a Go program that lives for seconds: collecting its garbage less often saves a sixth of the CPU, for
  // some 150 MB per compiler.
  const options = { cwd: module, env: { ...goEnvironment, GOGC: '400' }, timeout: 30 * 60_000 }
  const total = (await run('go', ['list', '-deps', ...packages], options)).trim().split('\n').length
  let done = 0
  const onLine = (line: string): void => {
    if (line.startsWith('go: ') || line.startsWith('#')) return
    done += 1
    onProgress(done, total)
  }
  await run('go', ['build', '-v', ...flags, '-o', `${output}/`, ...packages], { ...options, onLine })
}
