import { writeFileSync } from 'node:fs'
import { readEnvironment } from './environment.ts'

/** Longest text the kubelet keeps, in bytes. */
const longest = 4_096

/** What the kubelet shows as the reason in `kubectl describe pod`, and what the operator reads of a Job. Throws when it cannot be written. */
export const sayLastWords = (text: string): void => {
  writeFileSync(readEnvironment().terminationLog, Buffer.from(text).subarray(0, longest))
}

/** Says why the process cannot start or go on, where both people and the kubelet look. */
export const reportFailure = (message: string): void => {
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), level: 'fatal', msg: message })}\n`)
  try {
    sayLastWords(message)
  } catch {
    // Outside a container there is no such file, and the message is on stderr already.
  }
}
