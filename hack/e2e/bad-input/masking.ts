/** Longest answer that is kept whole: a list of forty allowed values says no more than its beginning. */
const LONGEST = 420

/** Replaces what differs between two runs: the namespace, ids and times. */
export function masked(text: string, namespace: string): string {
  const same = text
    .replaceAll(namespace, 'NAMESPACE')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'UUID')
    .replaceAll(/\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z/g, 'TIME')
    .replaceAll(/x{50,}/g, 'xxx…')
    .trim()
  return same.length <= LONGEST ? same : `${same.slice(0, LONGEST)}…`
}
