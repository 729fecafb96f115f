import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { followAuditLog, parseLine } from './api-audit-log.ts'

const line = (name: string, stage = 'ResponseComplete'): string =>
  JSON.stringify({
    stage,
    verb: 'patch',
    user: { username: 'system:serviceaccount:todochatbot-system:todochatbot-operator' },
    userAgent: 'todochatbot-operator',
    objectRef: { resource: 'deployments', namespace: 'a', name },
    responseStatus: { code: 201 },
    requestReceivedTimestamp: '2026-01-02T03:04:05.000250Z',
    stageTimestamp: '2026-01-02T03:04:05.010750Z',
  })

describe('the audit log of the API server', () => {
  let folder: string
  let path: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'audit-log-'))
    path = join(folder, 'audit.log')
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('gives times in milliseconds with their fraction', () => {
    const write = parseLine(line('x'))
    expect((write?.completedAt ?? 0) - (write?.receivedAt ?? 0)).toBeCloseTo(10.5, 3)
  })

  it('leaves out other stages and requests about no object', () => {
    expect(parseLine(line('x', 'ResponseStarted'))).toBeUndefined()
    expect(parseLine(JSON.stringify({ stage: 'ResponseComplete', verb: 'create' }))).toBeUndefined()
  })

  it('yields what was appended since, once, and holds back a line that is not complete yet', async () => {
    await writeFile(path, `${line('before')}\n`)
    const log = await followAuditLog(path)
    expect(await log.next()).toEqual([])
    const [half, rest] = [line('b').slice(0, 30), line('b').slice(30)]
    await appendFile(path, `${line('a')}\n${half}`)
    expect((await log.next()).map((write) => write.name)).toEqual(['a'])
    await appendFile(path, `${rest}\n`)
    expect((await log.next()).map((write) => write.name)).toEqual(['b'])
    expect(await log.next()).toEqual([])
  })

  it('reads on after a rotation', async () => {
    await writeFile(path, `${line('old')}\n${line('old')}\n`)
    const log = await followAuditLog(path)
    await writeFile(path, `${line('new')}\n`)
    expect((await log.next()).map((write) => write.name)).toEqual(['new'])
  })
})
