/** Questions to the audit worker that need the service token. */
import { names, workerPorts } from '../../api/v1alpha1/names.ts'
import { getFromPod } from '../pods/http-get.ts'
import type { CheckSubject } from './check.ts'

/** GET from a Ready pod of audit; the parsed JSON of a 200. Throws {@link AuditUnavailable} otherwise. */
export type AskAudit = (subject: CheckSubject, path: string, signal: AbortSignal) => Promise<unknown>

/** Audit could not be asked; the message says why. */
export class AuditUnavailable extends Error {
  override readonly name = 'AuditUnavailable'
  /** Absent: there was no answer. */
  readonly status: number | undefined
  constructor(message: string, status?: number) {
    super(message)
    this.status = status
  }
}

/** Asks over HTTP. @param secretValue a value of a Secret that was read before @param deadline ms */
export function askAudit(
  secretValue: (ref: { namespace: string; name: string }, key: string) => string | undefined,
  deadline: number,
): AskAudit {
  return async ({ observed: { live, seen } }, path, signal) => {
    const { name: system, namespace } = seen.bot.metadata
    const pod = live.workers.audit.pods.find(({ ready, terminating }) => ready && !terminating)
    if (pod?.ip === undefined) throw new AuditUnavailable('the audit worker has no Ready pod to ask')
    const token = secretValue({ namespace, name: names.authSecret(system) }, 'serviceToken')
    if (token === undefined) throw new AuditUnavailable('the service token is not known yet')
    const headers = { authorization: `Bearer ${token}` }
    const { status, body } = await getFromPod({ ip: pod.ip, port: workerPorts.audit }, path, deadline, signal, headers)
    if (status !== 200) throw new AuditUnavailable(`Pod/${pod.name} answered ${status} to ${path}`, status)
    return JSON.parse(body) as unknown
  }
}
