import { checkCatalogue, type CheckEntry } from './catalogue.ts'

/** docs/checks.md, generated from the catalogue (hack/generate). */
export function checkDocs(): string {
  const rows = Object.entries<CheckEntry>(checkCatalogue).map(
    ([name, { asks, judges, remedy }]) => `| \`${name}\` | ${cell(asks)} | ${cell(judges)} | ${cell(remedy)} |`,
  )
  return [
    '# Routine checks',
    '',
    'Generated from operator/src/reconcile/checks/catalogue.ts. Every `spec.maintenance.checks.interval`, and while something is wrong every minute,',
    'the operator runs these checks in the background; `status.checks[]` holds what came of each: `Passed`, `Warning`, `Failed` or `Unknown`.',
    '',
    '- `at` is the time since which a check says what it says. It moves only when result, figure or message change, so a system that stays as it is',
    '  costs no write; the metric `todochatbot_checks_last_run_timestamp_seconds` tells when the checks last ran.',
    '- At once: `kubectl annotate tcb todo todochatbot.dev/check="$(date +%s)" --overwrite`. `status.lastCheck.request` shows the value when it is answered.',
    '- Failed checks are Events (`CheckFailed`, `CheckPassed`) and series of `todochatbot_check`. The condition AuditIntact follows `audit-chain`.',
    '',
    '| check | what is looked at | judgement | what to do |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n')
}

/** Angle brackets would be taken for HTML. */
const cell = (text: string): string => text.replaceAll('<', '&lt;').replaceAll('>', '&gt;')
