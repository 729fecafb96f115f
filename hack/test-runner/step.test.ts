import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runStep, seconds } from './step.ts'

describe('a step of the test run', () => {
  let logs: string
  beforeAll(async () => {
    logs = await mkdtemp(join(tmpdir(), 'steps-'))
  })
  afterAll(() => rm(logs, { recursive: true }))
  const never = new AbortController().signal

  it('keeps everything the command wrote', async () => {
    const result = await runStep(
      { name: 'say', command: ['sh', '-c', 'echo out; echo err >&2'], timeout: 10_000 },
      logs,
      never,
    )
    expect(result.ok).toBe(true)
    expect(await readFile(result.logPath, 'utf8')).toBe('out\nerr\n')
  })

  it('tells the exit code of a command that failed', async () => {
    const result = await runStep({ name: 'fail', command: ['sh', '-c', 'exit 3'], timeout: 10_000 }, logs, never)
    expect(result).toMatchObject({ ok: false, problem: 'exit code 3' })
  })

  it('tells about a program that does not exist', async () => {
    const result = await runStep({ name: 'missing', command: ['/nowhere/program'], timeout: 10_000 }, logs, never)
    expect(result.problem).toContain('ENOENT')
  })

  it('kills a command that outlives its time, with what it started', async () => {
    const command = ['sh', '-c', 'sleep 300 & echo $!; wait'] as const
    const result = await runStep({ name: 'slow', command, timeout: 300 }, logs, never)
    expect(result.problem).toBe('still running after 0 s, killed')
    const grandchild = (await readFile(result.logPath, 'utf8')).trim()
    const state = await readFile(`/proc/${grandchild}/stat`, 'utf8').catch(() => 'gone')
    expect(state).toMatch(/^gone$|\) Z /)
  })

  it('starts nothing once the run has ended', async () => {
    const result = await runStep({ name: 'late', command: ['true'], timeout: 1_000 }, logs, AbortSignal.abort())
    expect(result).toMatchObject({ ok: false, problem: 'not started: the run was ended before' })
  })

  it.each([
    [4_400, '4 s'],
    [83_000, '1 min 23 s'],
  ])('writes %i ms as %s', (time, text) => {
    expect(seconds(time)).toBe(text)
  })
})
