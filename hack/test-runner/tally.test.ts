import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { repository } from '../cluster/folders.ts'
import { sum, tallyCheck, tallyReport, tallyRing } from './tally.ts'
import type { VitestReport } from './tally.ts'

type File = VitestReport['testResults'][number]
const file = (path: string, fields: Partial<File>): File => ({
  name: join(repository, path),
  status: 'passed',
  message: '',
  assertionResults: [],
  ...fields,
})

describe('the tally of a test run', () => {
  it('counts tests that passed and names those that failed with their file', () => {
    const tally = tallyReport('unit', {
      testResults: [
        file('a.test.ts', {
          status: 'failed',
          assertionResults: [
            { status: 'passed', fullName: 'one' },
            { status: 'failed', fullName: 'two' },
          ],
        }),
      ],
    })
    expect(tally).toEqual({ passed: 1, failed: ['unit: a.test.ts: two'] })
  })

  it('counts a test that did not run as failed', () => {
    const assertionResults = [{ status: 'skipped', fullName: 'later' }] as const
    const tally = tallyReport('e2e', { testResults: [file('b.test.ts', { assertionResults })] })
    expect(tally.failed).toEqual(['e2e: b.test.ts: later (skipped)'])
  })

  it('counts a file that could not be loaded as failed', () => {
    const tally = tallyReport('unit', {
      testResults: [file('c.test.ts', { status: 'failed', message: 'no such module\nat' })],
    })
    expect(tally.failed).toEqual(['unit: c.test.ts: no such module'])
  })

  const result = { name: 'unit', elapsed: 1, logPath: '/logs/unit.log' }

  it('counts a ring without a report as failed, even when its command ended well', async () => {
    const tally = await tallyRing({ ...result, ok: true }, '/nowhere/report.json')
    expect(tally).toEqual({ passed: 0, failed: ['unit: no report (see /logs/unit.log)'] })
  })

  it('counts a command that ended badly after all tests passed as failed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tally-'))
    try {
      const path = join(folder, 'report.json')
      await writeFile(path, JSON.stringify({ testResults: [] }))
      const tally = await tallyRing({ ...result, ok: false, problem: 'exit code 1' }, path)
      expect(tally.failed).toEqual(['unit: exit code 1 (see /logs/unit.log)'])
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('counts each static check as one', () => {
    const good = tallyCheck({ ...result, name: 'lint', ok: true })
    const bad = tallyCheck({ ...result, name: 'typecheck', ok: false, problem: 'exit code 2' })
    expect(sum([good, bad])).toEqual({ passed: 1, failed: ['typecheck: exit code 2 (see /logs/unit.log)'] })
  })
})
