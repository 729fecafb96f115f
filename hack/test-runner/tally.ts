import { readFile } from 'node:fs/promises'
import { relative } from 'node:path'
import { repository } from '../cluster/folders.ts'
import type { StepResult } from './step.ts'

/** What passed and what did not. */
export interface Tally {
  readonly passed: number
  /** One line each. */
  readonly failed: readonly string[]
}

/** The parts of vitest's JSON report that are read. */
export interface VitestReport {
  readonly testResults: readonly {
    readonly name: string
    readonly status: 'passed' | 'failed'
    readonly message: string
    readonly assertionResults: readonly {
      readonly status: 'passed' | 'failed' | 'skipped' | 'pending' | 'todo' | 'disabled'
      readonly fullName: string
    }[]
  }[]
}

/**
 * Counts tests. A file that could not run counts as one failure, and so does a test that did not run: a ring in which
 * tests are skipped has not shown what it says it shows.
 */
export function tallyReport(ring: string, report: VitestReport): Tally {
  const failed: string[] = []
  let passed = 0
  for (const file of report.testResults) {
    const path = relative(repository, file.name)
    const broken = file.assertionResults.filter(({ status }) => status !== 'passed')
    passed += file.assertionResults.length - broken.length
    for (const { status, fullName } of broken) {
      failed.push(`${ring}: ${path}: ${fullName}${status === 'failed' ? '' : ` (${status})`}`)
    }
    if (file.status === 'failed' && broken.length === 0) {
      failed.push(`${ring}: ${path}: ${file.message.split('\n')[0] ?? 'could not run'}`)
    }
  }
  return { passed, failed }
}

/** The tally of a ring of tests from its report; a ring that ended without one, or badly with nothing failed in it, is a failure itself. */
export async function tallyRing(result: StepResult, reportPath: string): Promise<Tally> {
  let tally: Tally
  try {
    tally = tallyReport(result.name, JSON.parse(await readFile(reportPath, 'utf8')) as VitestReport)
  } catch {
    return { passed: 0, failed: [`${result.name}: ${result.problem ?? 'no report'} (see ${result.logPath})`] }
  }
  if (!result.ok && tally.failed.length === 0) {
    return { ...tally, failed: [`${result.name}: ${result.problem ?? 'failed'} (see ${result.logPath})`] }
  }
  return tally
}

/** A static check is one test. */
export function tallyCheck(result: StepResult): Tally {
  if (result.ok) return { passed: 1, failed: [] }
  return { passed: 0, failed: [`${result.name}: ${result.problem ?? 'failed'} (see ${result.logPath})`] }
}

/** Sums tallies. */
export function sum(tallies: readonly Tally[]): Tally {
  return {
    passed: tallies.reduce((total, { passed }) => total + passed, 0),
    failed: tallies.flatMap(({ failed }) => failed),
  }
}
