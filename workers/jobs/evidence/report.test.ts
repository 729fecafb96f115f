import { expect, test } from 'vitest'
import { evidenceReportSchema } from './config.ts'
import { reportText, summarise } from './report.ts'

const report = { file: 'a.tar.gz', bytes: 1, sha256: '0'.repeat(64), collected: [] }

test('a report says everything when it fits', () => {
  const missing = [{ what: 'offsets', why: 'Kafka did not answer' }]
  expect(JSON.parse(reportText({ ...report, missing }))).toEqual({ ...report, missing })
})

test('a report of any length fits into a termination message, and says how much it leaves out', () => {
  const missing = Array.from({ length: 500 }, (_, index) => ({ what: `log ${index}`, why: 'ü'.repeat(5_000) }))
  const text = reportText({ ...report, missing })
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(4_096)
  const parsed = evidenceReportSchema.parse(JSON.parse(text))
  expect(parsed.missing.length + (parsed.more ?? 0)).toBe(500)
  expect(parsed.missing.length).toBeGreaterThan(0)
})

test('files are summed up by kind', () => {
  const file = { path: 'a', sha256: '', bytes: 2 }
  expect(
    summarise([
      { ...file, what: 'logs' },
      { ...file, what: 'logs', truncated: true },
      { ...file, what: 'events' },
    ]),
  ).toEqual([
    { what: 'logs', files: 2, bytes: 4, truncated: 1 },
    { what: 'events', files: 1, bytes: 2 },
  ])
})
