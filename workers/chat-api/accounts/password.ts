import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

/** 16 MB and about 100 ms per hash: OWASP's second-smallest memory profile, so that two at once fit the pod. */
const cost = { N: 16_384, r: 8, p: 5 } as const
const hashLength = 32
const concurrent = 2
const mostWaiting = 64

/** More logins wait than can be answered in time; the caller answers 503 instead of queueing without end. */
export class TooManyLogins extends Error {
  override readonly name = 'TooManyLogins'
}

let running = 0
const waiting: (() => void)[] = []

/** At most two hashes at a time: memory stays bounded, and two of libuv's four threads stay free for files and names. */
async function oneOfFew<T>(work: () => Promise<T>): Promise<T> {
  if (running >= concurrent) {
    if (waiting.length >= mostWaiting) throw new TooManyLogins('too many logins are waiting')
    await new Promise<void>((resolve) => waiting.push(resolve))
  } else running += 1
  try {
    return await work()
  } finally {
    const next = waiting.shift()
    if (next) next()
    else running -= 1
  }
}

const derive = (password: string, salt: Buffer, options: { N: number; r: number; p: number }): Promise<Buffer> =>
  oneOfFew(
    () =>
      new Promise((resolve, reject) => {
        scrypt(password.normalize('NFKC'), salt, hashLength, { ...options, maxmem: 64 * 1024 * 1024 }, (error, key) =>
          error ? reject(error) : resolve(key),
        )
      }),
  )

/** `scrypt$N$r$p$salt$hash`, base64url: the cost travels with the hash, so that it can be raised for new passwords. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const hash = await derive(password, salt, cost)
  return ['scrypt', cost.N, cost.r, cost.p, salt.toString('base64url'), hash.toString('base64url')].join('$')
}

/** Compares in constant time. An undefined hash (no such account) costs the same as a wrong password. */
export async function verifyPassword(password: string, stored: string | undefined): Promise<boolean> {
  const [scheme, N, r, p, salt = '', hash = ''] = stored?.split('$') ?? []
  const known = scheme === 'scrypt'
  const options = known ? { N: Number(N), r: Number(r), p: Number(p) } : cost
  const actual = await derive(password, known ? Buffer.from(salt, 'base64url') : Buffer.alloc(16), options)
  const expected = known ? Buffer.from(hash, 'base64url') : Buffer.alloc(hashLength)
  return timingSafeEqual(actual, expected.length === hashLength ? expected : Buffer.alloc(hashLength)) && known
}
