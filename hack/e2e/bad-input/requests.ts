/** What a request may need from the test. */
export interface RequestContext {
  /** Path of a task of the caller, and of one of somebody else. */
  readonly ownTask: string
  readonly otherTask: string
  /** A token whose signature is wrong, and one that claims to need none. */
  readonly forgedToken: string
  readonly unsignedToken: string
}

/** An HTTP request that is refused, so nothing of it takes effect. */
export interface RefusedRequest {
  /** What is wrong, for people. */
  readonly wrong: string
  readonly worker?: 'chat-api' | 'audit'
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string | ((context: RequestContext) => string)
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON unless it is text already. */
  readonly body?: unknown
  /** Default: the caller's; null: none. */
  readonly token?: null | ((context: RequestContext) => string)
  readonly status: number
  /** What the answer must contain. */
  readonly answer: RegExp
}

const tasks = '/api/v1/tasks'
const newTask = (fields: Readonly<Record<string, unknown>>): Pick<RefusedRequest, 'method' | 'path' | 'body'> => ({
  method: 'POST',
  path: tasks,
  body: { title: 'task', ...fields },
})
const recurring = (rrule: string): ReturnType<typeof newTask> =>
  newTask({ dueAt: '2026-03-01T09:00:00Z', recurrence: { rrule } })

/** Requests that are wrong in themselves, or in what they ask for. */
export const refusedRequests: readonly RefusedRequest[] = [
  {
    wrong: 'half a JSON document',
    method: 'POST',
    path: tasks,
    body: '{"title": "milk',
    status: 400,
    answer: /MALFORMED_JSON/,
  },
  {
    wrong: 'an empty body',
    method: 'POST',
    path: tasks,
    body: '',
    status: 400,
    answer: /MALFORMED_JSON|INVALID_INPUT/,
  },
  {
    wrong: 'a list instead of an object',
    method: 'POST',
    path: tasks,
    body: [1, 2],
    status: 400,
    answer: /INVALID_INPUT/,
  },
  {
    wrong: 'JSON a thousand levels deep',
    method: 'POST',
    path: tasks,
    body: `${'['.repeat(1000)}${']'.repeat(1000)}`,
    status: 400,
    answer: /deep|nest|level/i,
  },
  {
    wrong: 'a body of 70 KB',
    ...newTask({ description: 'x'.repeat(70_000) }),
    status: 413,
    answer: /PAYLOAD_TOO_LARGE/,
  },
  {
    wrong: 'a form instead of JSON',
    method: 'POST',
    path: tasks,
    body: 'title=milk',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    status: 415,
    answer: /UNSUPPORTED_MEDIA_TYPE/,
  },
  {
    wrong: 'a field that does not exist',
    ...newTask({ colour: 'red' }),
    status: 400,
    answer: /colour.*is not a known field/s,
  },
  {
    wrong: 'a field of JavaScript objects',
    method: 'POST',
    path: tasks,
    body: '{"title":"x","__proto__":{"admin":true}}',
    status: 400,
    answer: /__proto__|MALFORMED_JSON/,
  },
  { wrong: 'no title', method: 'POST', path: tasks, body: {}, status: 400, answer: /title/ },
  { wrong: 'a title of 300 characters', ...newTask({ title: 'x'.repeat(300) }), status: 400, answer: /title.*255/s },
  {
    wrong: 'a NUL character, which PostgreSQL cannot store',
    ...newTask({ title: 'a\u0000b' }),
    status: 400,
    answer: /title/,
  },
  { wrong: 'a number instead of text', ...newTask({ title: 7 }), status: 400, answer: /title.*string/s },
  { wrong: 'a due time in words', ...newTask({ dueAt: 'tomorrow' }), status: 400, answer: /dueAt/ },
  {
    wrong: 'a time zone that does not exist',
    ...newTask({ timezone: 'Mars/Olympus' }),
    status: 400,
    answer: /timezone/,
  },
  {
    wrong: 'a priority that does not exist',
    ...newTask({ priority: 'URGENT' }),
    status: 400,
    answer: /priority.*HIGH/s,
  },
  { wrong: 'an RRULE of an unknown frequency', ...recurring('FREQ=SOMETIMES'), status: 400, answer: /FREQ/ },
  { wrong: 'a cron expression instead of an RRULE', ...recurring('0 9 * * 1'), status: 400, answer: /recurrence/ },
  {
    wrong: 'an RRULE that never occurs (30 February)',
    ...recurring('FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30'),
    status: 400,
    answer: /recurrence|occur/,
  },
  {
    wrong: 'an RRULE with an interval of zero',
    ...recurring('FREQ=DAILY;INTERVAL=0'),
    status: 400,
    answer: /INTERVAL/,
  },
  {
    wrong: 'a repeating task without a due time',
    ...newTask({ recurrence: { rrule: 'FREQ=DAILY' } }),
    status: 400,
    answer: /dueAt/,
  },
  {
    wrong: 'twenty-one reminders',
    ...newTask({ reminders: Array.from({ length: 21 }, () => ({ type: 'relative', offset: '-PT5M' })) }),
    status: 400,
    answer: /reminders.*20/s,
  },
  {
    wrong: 'a reminder with an offset in words',
    ...newTask({ reminders: [{ type: 'relative', offset: 'a bit before' }] }),
    status: 400,
    answer: /reminders/,
  },
  { wrong: 'no token', method: 'GET', path: tasks, token: null, status: 401, answer: /UNAUTHENTICATED/ },
  {
    wrong: 'a token with a forged signature',
    method: 'GET',
    path: tasks,
    token: (context) => context.forgedToken,
    status: 401,
    answer: /UNAUTHENTICATED/,
  },
  {
    wrong: 'a token that says it needs no signature',
    method: 'GET',
    path: tasks,
    token: (context) => context.unsignedToken,
    status: 401,
    answer: /UNAUTHENTICATED/,
  },
  {
    wrong: 'a task of somebody else',
    method: 'GET',
    path: (context) => context.otherTask,
    status: 404,
    answer: /NOT_FOUND/,
  },
  { wrong: 'an id that is none', method: 'GET', path: `${tasks}/1%20OR%201=1`, status: 400, answer: /id/ },
  { wrong: 'a path that does not exist', method: 'GET', path: '/api/v1/nothing', status: 404, answer: /NOT_FOUND/ },
  {
    wrong: 'a method the path does not have',
    method: 'DELETE',
    path: tasks,
    status: 405,
    answer: /METHOD_NOT_ALLOWED.*DELETE/s,
  },
  {
    wrong: 'a change of a version that is gone',
    method: 'PATCH',
    path: (context) => context.ownTask,
    body: { title: 'y' },
    headers: { 'if-match': '"99"' },
    status: 412,
    answer: /PRECONDITION_FAILED/,
  },
  {
    wrong: 'an ETag without quotes',
    method: 'PATCH',
    path: (context) => context.ownTask,
    body: { title: 'y' },
    headers: { 'if-match': '1' },
    status: 400,
    answer: /If-Match/,
  },
  { wrong: 'a page of 1,000 tasks', method: 'GET', path: `${tasks}?limit=1000`, status: 400, answer: /limit.*200/s },
  { wrong: 'a made-up cursor', method: 'GET', path: `${tasks}?cursor=bm9wZQ`, status: 400, answer: /cursor/ },
  {
    wrong: 'a query parameter that does not exist',
    method: 'GET',
    path: `${tasks}?order=random`,
    status: 400,
    answer: /order.*is not a known field/s,
  },
  {
    wrong: 'a chat message of 2,001 characters',
    method: 'POST',
    path: '/api/v1/chat',
    body: { message: 'x'.repeat(2001) },
    status: 400,
    answer: /message.*2000/s,
  },
  {
    wrong: 'a password of three characters',
    method: 'POST',
    path: '/api/v1/auth/signup',
    body: { email: 'a@example.com', password: 'abc' },
    token: null,
    status: 400,
    answer: /password.*8/s,
  },
  {
    wrong: 'a user who wants to verify the audit chain',
    worker: 'audit',
    method: 'GET',
    path: '/audit/verify',
    status: 403,
    answer: /service token/,
  },
  {
    wrong: 'the audit entries of another user',
    worker: 'audit',
    method: 'GET',
    path: '/audit/entries?userId=somebody',
    status: 403,
    answer: /own entries/,
  },
  {
    wrong: 'audit entries from a date in words',
    worker: 'audit',
    method: 'GET',
    path: '/audit/entries?startDate=yesterday',
    status: 400,
    answer: /startDate/,
  },
]
