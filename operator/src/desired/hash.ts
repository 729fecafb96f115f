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

/** Two 32-bit lanes over a text. */
const lanes = (text: string): [number, number] => {
  let first = 0x811c9dc5
  let second = 0x9e3779b9
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    first = Math.imul(first ^ code, 0x01000193)
    second = Math.imul(second ^ (code + index), 0x01000193)
  }
  return [finalise(first ^ text.length), finalise(second ^ first)]
}

const hex = (lane: number): string => lane.toString(16).padStart(8, '0')

/** 16 hexadecimal digits that change when the content does. */
export const contentHash = (value: unknown): string => lanes(canonicalJson(value)).map(hex).join('')

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
