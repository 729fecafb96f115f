import type { ArchivedFile } from './archive.ts'
import type { EvidenceReport } from './config.ts'

/** The kubelet keeps 4096 bytes of a termination message; some are left for what it adds. */
const maxBytes = 3_900

/** What could not be collected. */
export interface Missing {
  readonly what: string
  readonly why: string
}

/** Sums the files of an archive up by kind. */
export const summarise = (files: readonly ArchivedFile[]): EvidenceReport['collected'] => {
  const kinds = [...new Set(files.map(({ what }) => what))]
  return kinds.map((what) => {
    const mine = files.filter((file) => file.what === what)
    const truncated = mine.filter((file) => file.truncated === true).length
    return {
      what,
      files: mine.length,
      bytes: mine.reduce((total, { bytes }) => total + bytes, 0),
      ...(truncated === 0 ? {} : { truncated }),
    }
  })
}

/** The report as text that fits into a termination message: reasons are shortened first, then the list; the manifest has all of it. */
export const reportText = (report: Omit<EvidenceReport, 'more'>): string => {
  const shortened = report.missing.map(({ what, why }) => ({ what: what.slice(0, 120), why: why.slice(0, 160) }))
  for (let kept = Math.min(shortened.length, 64); ; kept -= 1) {
    const more = shortened.length - kept
    const text = JSON.stringify({ ...report, missing: shortened.slice(0, kept), ...(more === 0 ? {} : { more }) })
    if (kept === 0 || Buffer.byteLength(text) <= maxBytes) return text
  }
}
