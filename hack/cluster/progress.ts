/** Says what happens and how long it took, one line per beginning and end of a step, steps may overlap. */
export interface Progress {
  /** Runs a step; its error, if any, passes through after the line that says so. */
  step<T>(what: string, work: (note: (text: string) => void) => Promise<T>): Promise<T>
  /** A line of its own. */
  say(text: string): void
  /** Seconds since the beginning. */
  elapsed(): number
}

/** How often a step may report how far it is, in ms: a build prints a line, not a flood. */
const NOTE_INTERVAL = 15_000

/** A step shorter than this gets no line at its beginning, only one at its end; in ms. */
const QUIET = 1_500

/** Progress on a writer such as console.log. */
export function createProgress(write: (line: string) => void): Progress {
  const begin = performance.now()
  const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`
  const clock = (): string => {
    const total = Math.floor((performance.now() - begin) / 1000)
    return `[${String(Math.floor(total / 60)).padStart(2)}:${String(total % 60).padStart(2, '0')}]`
  }
  return {
    async step(what, work) {
      const start = performance.now()
      let noted = start
      const announce = setTimeout(() => write(`${clock()} … ${what}`), QUIET)
      const note = (text: string): void => {
        if (performance.now() - noted < NOTE_INTERVAL) return
        noted = performance.now()
        write(`${clock()}   ${what}: ${text}`)
      }
      try {
        const result = await work(note)
        write(`${clock()} ✓ ${what} (${seconds(start)})`)
        return result
      } catch (error) {
        write(`${clock()} ✗ ${what} (after ${seconds(start)})`)
        throw error
      } finally {
        clearTimeout(announce)
      }
    },
    say: (text) => write(text),
    elapsed: () => (performance.now() - begin) / 1000,
  }
}
