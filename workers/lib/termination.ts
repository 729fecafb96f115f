import { writeFileSync } from 'node:fs'

/** The kubelet shows this file's text as the reason in `kubectl describe pod`. */
const terminationLog = '/dev/termination-log'

/** Says why the process cannot start, where both people and the kubelet look. */
export const reportFailure = (message: string): void => {
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), level: 'fatal', msg: message })}\n`)
  try {
    writeFileSync(terminationLog, message.slice(0, 4_000))
  } catch {
    // Outside a container there is no such file, and the message is on stderr already.
  }
}
