import { catalogue, type CatalogueEntry } from './errors.ts'

const meaningOf = {
  Progress: 'time will tell',
  Problem: 'may clear by itself, is looked at again',
  Terminal: 'needs somebody to change something; sets Stalled',
} as const

/** docs/errors.md, generated from the catalogue (hack/generate). */
export function errorDocs(): string {
  const rows = Object.entries<CatalogueEntry>(catalogue).map(
    ([reason, { code, severity, conditions, meaning, remedy }]) =>
      `| \`${reason}\`<br>${code} | ${severity} | ${conditions.join(', ')} | ${meaning} | ${cell(remedy)} |`,
  )
  return [
    '# Reasons and remedies',
    '',
    'Generated from operator/src/reconcile/errors.ts. Every condition of a TodoChatbot that does not hold carries one of these reasons; its',
    'message names the object, what is the case and, for anything but progress, the remedy. Events use the same reasons.',
    '',
    ...Object.entries(meaningOf).map(([severity, meaning]) => `- **${severity}**: ${meaning}.`),
    '',
    '| reason, code | severity | conditions | what is the case | what to do |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n')
}

/** Angle brackets would be taken for HTML. */
const cell = (text: string): string => text.replaceAll('<', '&lt;').replaceAll('>', '&gt;')
