/**
 * Content hashes for change detection: not cryptographic, and never used for anything an attacker could gain from. Two FNV-1a lanes with
 * different offsets and a murmur3 finaliser give 64 bits, so that among the few hundred objects of a cluster a collision does not happen;
 * pure JavaScript, because this layer may not import node:crypto.
 */

/** JSON with sorted keys: equal content gives equal text, whatever order it was built in. `undefined` fields are left out. */
export const canonicalJson = (value: unknown): string => {
  if (typeof value !== 'object' || value === null) return value === undefined ? 'null' : JSON.stringify(value)
  // Plain loops: this runs over every object of a system in every reconcile.
  let text = ''
  if (Array.isArray(value)) {
    for (const item of value) text += `${text === '' ? '' : ','}${canonicalJson(item)}`
    return `[${text}]`
  }
  const fields = value as Readonly<Record<string, unknown>>
  for (const key of Object.keys(fields).sort()) {
    if (fields[key] === undefined) continue
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(fields[key])}`
  }
  return `{${text}}`
}

const finalise = (lane: number): number => {
  let hash = lane
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** Two 32-bit lanes over a text that comes in pieces. */
interface Digest {
  first: number
  second: number
  length: number
}

const start = (): Digest => ({ first: 0x811c9dc5, second: 0x9e3779b9, length: 0 })

const prime = 0x01000193

/** In local variables: the loop runs over every character of a system in every reconcile. */
const feed = (digest: Digest, text: string): void => {
  let { first, second, length } = digest
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    first = Math.imul(first ^ code, prime)
    second = Math.imul(second ^ (code + length), prime)
    length += 1
  }
  digest.first = first
  digest.second = second
  digest.length = length
}

const quote = 0x22
const backslash = 0x5c

/** Whether JSON writes every character as it is; half a surrogate pair, among others, is left to JSON.stringify. */
const isPlain = (text: string): boolean => {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code < 0x20 || code > 0x7e || code === quote || code === backslash) return false
  }
  return true
}

const feedText = (digest: Digest, text: string): void => {
  if (!isPlain(text)) {
    feed(digest, JSON.stringify(text))
    return
  }
  feed(digest, '"')
  feed(digest, text)
  feed(digest, '"')
}

/** By UTF-16 units as Array.prototype.sort does, in place: for the handful of keys of most objects, insertion is several times as fast. */
const sorted = (keys: string[]): readonly string[] => {
  if (keys.length > 16) return keys.sort()
  for (let end = 1; end < keys.length; end += 1) {
    const key = keys[end] ?? ''
    let place = end
    for (; place > 0 && (keys[place - 1] ?? '') > key; place -= 1) keys[place] = keys[place - 1] ?? ''
    keys[place] = key
  }
  return keys
}

/**
 * Feeds {@link canonicalJson} of a value without building it: this runs over every object of a system in every reconcile, and half of its
 * time would go into text that is thrown away.
 */
const feedJson = (digest: Digest, value: unknown): void => {
  if (typeof value === 'string') feedText(digest, value)
  else if (typeof value !== 'object' || value === null) feed(digest, canonicalJson(value))
  else if (Array.isArray(value)) {
    feed(digest, '[')
    for (let index = 0; index < value.length; index += 1) {
      if (index > 0) feed(digest, ',')
      feedJson(digest, value[index])
    }
    feed(digest, ']')
  } else {
    const fields = value as Readonly<Record<string, unknown>>
    let separator = '{'
    for (const key of sorted(Object.keys(fields))) {
      const field = fields[key]
      if (field === undefined) continue
      feed(digest, separator)
      feedText(digest, key)
      feed(digest, ':')
      feedJson(digest, field)
      separator = ','
    }
    feed(digest, separator === '{' ? '{}' : '}')
  }
}

const lanesOf = ({ first, second, length }: Digest): [number, number] => {
  const one = finalise(first ^ length)
  return [one, finalise(second ^ first)]
}

/** Two 32-bit lanes over a text. */
const lanes = (text: string): [number, number] => {
  const digest = start()
  feed(digest, text)
  return lanesOf(digest)
}

const hex = (lane: number): string => lane.toString(16).padStart(8, '0')

/** 16 hexadecimal digits that change when the content does. */
export const contentHash = (value: unknown): string => {
  const digest = start()
  feedJson(digest, value)
  return lanesOf(digest).map(hex).join('')
}

/** 8 hexadecimal digits, for names. */
export const shortHash = (value: unknown): string => contentHash(value).slice(0, 8)

/**
 * A Kafka cluster id (16 bytes, URL-safe base64, 22 characters) that is always the same for the same seed. It starts with a letter, because
 * Kafka's tools take a leading dash for an option.
 */
export const kafkaClusterId = (seed: string): string => {
  const words = [...lanes(`a/${seed}`), ...lanes(`b/${seed}`)]
  const bytes = words.flatMap((word) => [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255])
  const text = btoa(String.fromCharCode(...bytes.with(0, (bytes[0] ?? 0) % 100)))
  return text.replaceAll('+', '-').replaceAll('/', '_').slice(0, 22)
}
