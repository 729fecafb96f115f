import { chown, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureDaemon, logTail } from '../daemon.ts'
import type { Daemon, DaemonSpec } from '../daemon.ts'
import { FatalError, waitFor } from '../waiting.ts'

/** A server of a test: one process on this host, on a port of its own, with its data in a temporary folder. */
export interface Server {
  /** What it writes to standard output and error. */
  readonly logPath: string
  /** Ends it as a crash does (SIGKILL) and keeps its data: `restart` brings it back. */
  kill(): Promise<void>
  /** Starts it again on the same port and data, ending it first if it still runs. Returns when it answers. */
  restart(): Promise<void>
  /** Ends it and removes its data. May be called again. */
  stop(): Promise<void>
}

/** How to run one kind of server. */
export interface ServerSpec {
  readonly name: string
  readonly folder: string
  readonly program: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly user?: { readonly uid: number; readonly gid: number }
  /** Answers true once the server can be used; throws or answers undefined before. */
  readonly ready: () => Promise<true | undefined>
  /** Milliseconds from start to ready. */
  readonly timeout: number
}

/** A temporary folder for a server, owned by the user it runs as. */
export async function serverFolder(
  name: string,
  user?: { readonly uid: number; readonly gid: number },
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `todochatbot-${name}-`))
  await mkdir(join(folder, 'logs'))
  if (user) await chown(folder, user.uid, user.gid)
  return folder
}

/** Starts the server and waits until it is ready. @throws DeadlineError, or an Error with the end of its log when it dies. */
export async function startServer(spec: ServerSpec): Promise<Server> {
  const daemonSpec: DaemonSpec = {
    name: spec.name,
    program: spec.program,
    args: spec.args,
    lifetime: 'Caller',
    ...(spec.env === undefined ? {} : { env: spec.env }),
    ...(spec.user === undefined ? {} : { user: spec.user }),
  }
  const start = async (): Promise<Daemon> => {
    const daemon = await ensureDaemon(spec.folder, daemonSpec)
    const look = async (): Promise<true | undefined> => {
      if (!(await daemon.running())) throw new FatalError(`${spec.name} ended:\n${await logTail(daemon.logPath)}`)
      return spec.ready()
    }
    try {
      await waitFor(`${spec.name} ready`, look, { timeout: spec.timeout, interval: 50 })
    } catch (error) {
      await daemon.kill()
      throw error
    }
    return daemon
  }
  let daemon: Daemon
  try {
    daemon = await start()
  } catch (error) {
    await rm(spec.folder, { recursive: true, force: true })
    throw error
  }
  return {
    logPath: daemon.logPath,
    kill: () => daemon.kill(),
    async restart() {
      await daemon.stop()
      daemon = await start()
    },
    async stop() {
      await daemon.kill()
      await rm(spec.folder, { recursive: true, force: true })
    },
  }
}

/** Runs `start` again when another process took the port between its choice and its use. */
export async function withFreePort<T>(start: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start()
    } catch (error) {
      if (attempt === 3 || !/address (is )?already in use|could not bind/i.test(String(error))) throw error
    }
  }
}
