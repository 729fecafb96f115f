import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'

/** How long the inspector and each of its answers may take, ms. */
const patience = 30_000

const targetsSchema = z.array(z.object({ webSocketDebuggerUrl: z.url() })).min(1)
const answerSchema = z.object({ id: z.int(), result: z.unknown() })

/**
 * Bytes that a Node process on this machine still refers to: its heap after full collections, through its inspector, which stays open. Resident
 * memory grows with what the collector has not got round to; this grows with leaks only.
 * @param port of its inspector: Node's default, or what the process was given as --inspect-port
 * @throws Error when another process has that port
 */
export async function liveHeap(pid: number, port = 9229): Promise<number> {
  process.kill(pid, 'SIGUSR1')
  const socket = new WebSocket(await debuggerAt(port))
  await once(socket, 'open', { signal: AbortSignal.timeout(patience) })
  try {
    const call = caller(socket)
    const { result } = z
      .object({ result: z.object({ value: z.int() }) })
      .parse(await call('Runtime.evaluate', { expression: 'process.pid' }))
    if (result.value !== pid) throw new Error(`the inspector belongs to process ${result.value} and not to ${pid}`)
    // What finalizers let go in one collection is free after the next.
    for (let times = 0; times < 3; times += 1) await call('HeapProfiler.collectGarbage')
    return z.object({ usedSize: z.number() }).parse(await call('Runtime.getHeapUsage')).usedSize
  } finally {
    socket.close()
  }
}

async function debuggerAt(port: number): Promise<string> {
  const deadline = Date.now() + patience
  for (;;) {
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/json/list`, { signal: AbortSignal.timeout(patience) })
      const [target] = targetsSchema.parse(await answer.json())
      if (target !== undefined) return target.webSocketDebuggerUrl
    } catch (error) {
      if (Date.now() > deadline) throw error
    }
    await sleep(50)
  }
}

/** Calls one after the other. */
function caller(socket: WebSocket): (method: string, params?: object) => Promise<unknown> {
  let id = 0
  return async (method, params = {}) => {
    id += 1
    const answered = once(socket, 'message', { signal: AbortSignal.timeout(patience) })
    socket.send(JSON.stringify({ id, method, params }))
    const [message] = (await answered) as [{ readonly data: string }]
    const answer = answerSchema.parse(JSON.parse(message.data))
    if (answer.id !== id) throw new Error(`${method} was answered as call ${answer.id} and not as ${id}`)
    return answer.result
  }
}
