import { setTimeout as sleep } from 'node:timers/promises'
import type { ApiClient } from '../api-client.ts'

/** All objects of a kind, kept up to date by a watch. */
export interface WatchedList<T> {
  /** Undefined until the first list has arrived; afterwards what was seen last, also while the API server is away. */
  items(): readonly T[] | undefined
}

/** What a watch and a list are about. */
interface Watched {
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly resourceVersion: string }
}

interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  readonly object: T
}

/** The server ends each watch after this many seconds; one that is silent for longer is dead. */
const WATCH_SECONDS = 240

/** Milliseconds between two attempts. */
const RETRY = 500

/**
 * Lists and watches until the signal aborts.
 * @param path without query, for example /api/v1/pods
 * @param onChange called after every change
 * @param onError told why the API server could not be asked; it is asked again
 */
export function watchList<T>(
  client: ApiClient,
  path: string,
  signal: AbortSignal,
  onChange: () => void,
  onError: (error: unknown) => void,
): WatchedList<T> {
  let items: Map<string, T & Watched> | undefined
  const list = async (): Promise<string> => {
    const answer = (await client.call('GET', path)) as {
      readonly metadata: { readonly resourceVersion: string }
      readonly items: readonly (T & Watched)[]
    }
    items = new Map(answer.items.map((item) => [keyOf(item), item]))
    onChange()
    return answer.metadata.resourceVersion
  }
  /** Until the server ends it. @returns where to go on. @throws Error when it must be listed anew. */
  const watch = async (from: string): Promise<string> => {
    const query = `watch=1&allowWatchBookmarks=true&timeoutSeconds=${WATCH_SECONDS}&resourceVersion=${from}`
    let resourceVersion = from
    for await (const line of client.lines(`${path}?${query}`, (WATCH_SECONDS + 30) * 1000, signal)) {
      const { type, object } = JSON.parse(line) as WatchEvent<T & Watched>
      if (type === 'ERROR') throw new Error(`watch of ${path}: ${line.slice(0, 300)}`)
      ;({ resourceVersion } = object.metadata)
      if (type === 'BOOKMARK') continue
      if (type === 'DELETED') items?.delete(keyOf(object))
      else items?.set(keyOf(object), object)
      onChange()
    }
    return resourceVersion
  }
  const run = async (): Promise<void> => {
    while (!isAborted(signal)) {
      try {
        let from = await list()
        for (;;) from = await watch(from)
      } catch (error) {
        if (isAborted(signal)) return
        onError(error)
        await sleep(RETRY)
      }
    }
  }
  void run()
  return { items: () => (items === undefined ? undefined : [...items.values()]) }
}

/** Asked again after an await: it may have changed meanwhile. */
const isAborted = (signal: AbortSignal): boolean => signal.aborted

const keyOf = ({ metadata }: Watched): string => `${metadata.namespace ?? ''}/${metadata.name}`
