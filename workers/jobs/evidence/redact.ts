/**
 * Takes secrets out of text before it goes into an archive. Three nets, each of which alone would have holes: the exact values of the Secrets
 * that the system mounts (as they are, base64, percent-encoded and as JSON writes them), well-known forms of credentials, and, in
 * redact-objects.ts, the fields of Kubernetes objects that hold values of environment variables. What is taken out is replaced by
 * `[redacted: <what>]`, so that a reader sees that something was there. Pure. Proof: redact.test.ts.
 */

/** One value that must not appear, and what to call it. */
export interface SecretValue {
  /** `Secret/<name> key <key>`. */
  readonly name: string
  readonly value: string
}

/** Takes secrets out of a text. */
export type Redact = (text: string) => string

/** Shorter values (`todo`, `true`, `5432`) would take ordinary words out of every log. */
const minLength = 6

const mark = (what: string): string => `[redacted: ${what}]`

/**
 * Well-known forms. Every one starts with something fixed and every repetition has an upper bound: a log is written by whoever is suspected, and a line that makes a pattern backtrack
 * for minutes would be a way to destroy the evidence.
 */
const forms: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  [/-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g, mark('private key')],
  // scheme://user:password@host; the user may be empty, the password may hold anything but white space, quotes, "/" and "@".
  [/(:\/\/[^\s:/@"'\\]{0,256}:)[^\s/@"'\\]{1,512}@/g, `$1${mark('password in URI')}@`],
  [/\beyJ[A-Za-z0-9_-]{5,2048}\.[A-Za-z0-9_-]{5,8192}\.[A-Za-z0-9_-]{0,1024}/g, mark('JWT')],
  [/\b(Bearer|Basic)\s{1,8}[A-Za-z0-9._~+/=-]{8,8192}/gi, `$1 ${mark('credentials')}`],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, mark('access key')],
  // "key": "value" for keys that name a secret; inside a JSON string the quotes are escaped. Names of Secrets are none.
  [
    /((?:password|passwd|secret(?!Name\b)|token|api[-_]?key|access[-_]?key|private[-_]?key|authorization|cookie)[\w.-]{0,64}\\?"\s{0,8}:\s{0,8})(\\?")(?:(?!\2)[^\n]){1,8192}\2/gi,
    `$1$2${mark('value')}$2`,
  ],
  [
    /((?:password|passwd|secret|token|api[-_]?key|access[-_]?key|private[-_]?key)[\w.-]{0,64}=)(?!\[redacted)[^\s"'&,;\\]{3,8192}/gi,
    `$1${mark('value')}`,
  ],
]

/** Certificates are public; a user name is no secret and often an ordinary word. */
const isSecret = ({ name, value }: SecretValue): boolean =>
  value.length >= minLength && !/^-----BEGIN CERTIFICATE-----/.test(value) && !/key .*user(name)?$/i.test(name)

/** Every way one value may be written in a log or an object. */
const spellings = (value: string): string[] => [
  value,
  JSON.stringify(value).slice(1, -1),
  encodeURIComponent(value),
  Buffer.from(value).toString('base64'),
  Buffer.from(value).toString('base64url'),
]

/** Lines of a value of several lines: a log shows them one by one. */
const partsOf = (value: string): string[] =>
  value.includes('\n') ? [value, ...value.split('\n').filter((line) => line.length >= 16)] : [value]

/** The password of a connection string is a secret of its own. */
const passwordIn = (value: string): string[] => {
  const password = URL.canParse(value) ? new URL(value).password : ''
  return password === '' ? [] : [password, decodeURIComponent(password)].filter((one) => one.length >= minLength)
}

const escapeForRegExp = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')

/** Makes the function that takes these values, and everything of a well-known form, out of a text. */
export const redactor = (values: readonly SecretValue[]): Redact => {
  const names = new Map<string, string>()
  for (const secret of values.filter(isSecret)) {
    for (const value of [...partsOf(secret.value), ...passwordIn(secret.value)])
      for (const spelling of spellings(value)) if (!names.has(spelling)) names.set(spelling, secret.name)
  }
  // The longest first: a password must not be cut out of the connection string that is replaced as a whole.
  const known = [...names.keys()].sort((a, b) => b.length - a.length).map(escapeForRegExp)
  const pattern = known.length === 0 ? undefined : new RegExp(known.join('|'), 'g')
  return (text) => {
    const without = pattern === undefined ? text : text.replace(pattern, (found) => mark(names.get(found) ?? 'secret'))
    return forms.reduce((current, [form, replacement]) => current.replace(form, replacement), without)
  }
}
