/** Specs of a Replay, laid over one that is right (DeadLetters of taskEvents to notification), and what the API server says of them. */
export const wrongReplays: readonly { readonly what: string; readonly spec: object; readonly says: string }[] = [
  { what: 'a worker that takes no events', spec: { worker: 'chat-api' }, says: 'Unsupported value: "chat-api"' },
  { what: 'an unknown source', spec: { source: 'Archive' }, says: 'Unsupported value: "Archive"' },
  {
    what: 'a topic the worker does not take',
    spec: { topic: 'taskReminders' },
    says: 'the worker takes no events of this topic: taskEvents go to every worker, taskReminders to audit only',
  },
  {
    what: 'a topic nobody takes',
    spec: { worker: 'audit', topic: 'taskUpdates' },
    says: 'the worker takes no events of this topic',
  },
  {
    what: 'a topic for the search for gaps',
    spec: { worker: 'audit', source: 'AuditGaps' },
    says: 'topic is needed for the sources Topic and DeadLetters',
  },
  {
    what: 'force for audit',
    spec: { worker: 'audit', force: true },
    says: 'force has no meaning for audit: its trail is append-only',
  },
  {
    what: 'offsets of no partition',
    spec: { select: { fromOffset: 5 } },
    says: 'fromOffset and toOffset need exactly one partition in select.partitions',
  },
  {
    what: 'offsets that end before they begin',
    spec: { select: { partitions: [0], fromOffset: 5, toOffset: 5 } },
    says: 'fromOffset must be less than toOffset',
  },
  {
    what: 'times that end before they begin',
    spec: { select: { fromTime: '2026-01-02T00:00:00Z', toTime: '2026-01-01T00:00:00Z' } },
    says: 'fromTime must be before toTime',
  },
  {
    what: 'a time without a zone',
    spec: { select: { fromTime: '2026-01-02 00:00' } },
    says: 'must be an RFC 3339 date-time with a zone',
  },
  { what: 'a rate of nothing', spec: { rate: 0 }, says: 'should be greater than or equal to 1' },
  { what: 'a deadline of a second', spec: { deadline: '1s' }, says: 'must lie between' },
  { what: 'an unknown policy for side effects', spec: { sideEffects: 'Loud' }, says: 'Unsupported value: "Loud"' },
]
