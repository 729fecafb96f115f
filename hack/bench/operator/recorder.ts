import { setTimeout as sleep } from 'node:timers/promises'
import { followAuditLog } from '../api-audit-log.ts'
import type { RecordedWrite } from '../api-audit-log.ts'
import { operatorNamespace } from './service-account.ts'
import { DeadlineError } from '../../cluster/waiting.ts'

/** Who wrote what in a run, as the API server recorded it. */
export interface Recorder {
  /** Writes of the contestant to the objects a system consists of, without their status. */
  readonly children: RecordedWrite[]
  /** Writes of the contestant to the status of resources. */
  readonly statuses: RecordedWrite[]
  /** Everything else the contestant wrote: Events, Leases, finalizers. */
  readonly others: RecordedWrite[]
  /** Changes the harness made to resources: their creation and edits. */
  readonly edits: RecordedWrite[]
  /** Reads what was recorded meanwhile until `done`. @throws DeadlineError after `timeout` ms. */
  until(what: string, done: () => boolean, timeout: number): Promise<void>
  /** Reads until the contestant has written nothing (Leases aside) for `quiet` ms. @throws DeadlineError after `timeout` ms. */
  untilQuiet(quiet: number, timeout: number): Promise<void>
}

const HARNESS = 'todochatbot-dev-cluster'
const SIMULATOR = 'bench-simulator'

/** The API server's own controllers write as well (namespaces, service accounts, priority levels). */
const isContestant = (user: string): boolean =>
  user === 'admin' || user === `system:serviceaccount:${operatorNamespace}:todochatbot-operator`

/** Starts recording at the present end of the log. */
export async function startRecorder(auditLogPath: string): Promise<Recorder> {
  const log = await followAuditLog(auditLogPath)
  const children: RecordedWrite[] = []
  const statuses: RecordedWrite[] = []
  const others: RecordedWrite[] = []
  const edits: RecordedWrite[] = []
  const read = async (): Promise<void> => {
    for (const write of await log.next()) {
      const isResource = write.resource === 'todochatbots'
      const read = ['get', 'list', 'watch'].includes(write.verb)
      if (read || write.userAgent === SIMULATOR || write.status >= 500) continue
      if (write.userAgent === HARNESS) {
        if (isResource) edits.push(write)
      } else if (isResource && write.subresource === 'status') statuses.push(write)
      else if (isResource || ['events', 'leases'].includes(write.resource)) others.push(write)
      else if (isContestant(write.user)) children.push(write)
    }
  }
  const until = async (what: string, done: () => boolean, timeout: number): Promise<void> => {
    const end = performance.now() + timeout
    for (;;) {
      await read()
      if (done()) return
      if (performance.now() > end) {
        const seen = `${children.length} writes to objects, ${statuses.length} to statuses`
        throw new DeadlineError(what, timeout, seen)
      }
      await sleep(10)
    }
  }
  const untilQuiet = async (quiet: number, timeout: number): Promise<void> => {
    const count = (): number =>
      children.length + statuses.length + others.filter(({ resource }) => resource !== 'leases').length
    let last = count()
    let since = performance.now()
    const isQuiet = (): boolean => {
      if (count() !== last) [last, since] = [count(), performance.now()]
      return performance.now() - since > quiet
    }
    await until(`no write for ${quiet} ms`, isQuiet, timeout)
  }
  return { children, statuses, others, edits, until, untilQuiet }
}
