/**
 * KEDA may be there, may come later, and mostly is not there at all. So its kinds are not watched until the API server serves them: a watch on a
 * missing kind is a request every few seconds for ever. Asked is once at the start and then every {@link askAgainAfter}.
 */
import type { KubeClient } from '../../kube/client.ts'
import { sleep } from '../../kube/backoff.ts'
import { isNotFound } from '../../kube/kube-error.ts'
import { kinds } from '../../kube/kinds.ts'
import type { Runnable } from '../../runtime/manager.ts'
import { kedaKinds, type Informers } from './informers.ts'

/** How soon a KEDA that was installed later is noticed, in ms. */
export const askAgainAfter = 60 * 60_000

/** How long the start waits for the first lists, in ms; without them lag would be scaled by two autoscalers for a moment. */
const patience = 5_000

/** What watching needs. */
export interface KedaTools {
  readonly client: KubeClient
  readonly informers: Informers
  /** Empty: all. */
  readonly namespaces: readonly string[]
  /** KEDA was installed while the operator ran: everybody has to look again. */
  readonly arrived: () => void
}

/** Watches the kinds of KEDA from the moment they are served. Ready as soon as it is known that they are not, or when they are listed. */
export function kedaWatch({ client, informers, namespaces, arrived }: KedaTools): Runnable {
  const [namespace] = namespaces
  const first = Promise.withResolvers<boolean>()
  const isServed = async (signal: AbortSignal): Promise<boolean> => {
    try {
      await client.list(kinds.ScaledObject, { namespace, limit: 1, metadataOnly: true, signal })
      return true
    } catch (error) {
      // Anything but a plain no is for the informers to sort out: they try again, and say why.
      return !isNotFound(error)
    }
  }
  return {
    name: 'keda',
    run: async (signal) => {
      let served = await isServed(signal)
      first.resolve(served)
      const later = !served
      while (!served) {
        await sleep(askAgainAfter, signal)
        if (signal.aborted) return
        served = await isServed(signal)
      }
      if (later)
        void Promise.all(kedaKinds.map((kind) => informers[kind].whenSynced(signal))).then(arrived, () => undefined)
      await Promise.all(kedaKinds.map((kind) => informers[kind].run(signal)))
    },
    ready: async (signal) => {
      if (!(await first.promise)) return
      const soon = AbortSignal.any([signal, AbortSignal.timeout(patience)])
      await Promise.all(kedaKinds.map((kind) => informers[kind].whenSynced(soon))).catch((error: unknown) => {
        if (signal.aborted) throw error
      })
    },
  }
}
