import { createHash, randomBytes } from 'node:crypto'

const format = (bytes: Buffer, version: number): string => {
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | (version << 4), 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`
}

/** A time-ordered UUID (RFC 9562 §5.7): new rows land at the end of their index instead of all over it. */
export const uuidv7 = (now: number = Date.now(), random: Buffer = randomBytes(10)): string => {
  const bytes = Buffer.alloc(16)
  bytes.writeUIntBE(now, 0, 6)
  random.copy(bytes, 6, 0, 10)
  return format(bytes, 7)
}

/** A name-based UUID (RFC 9562 §5.5): the same namespace and name give the same id on every machine, for ever. */
export const uuidv5 = (namespace: string, name: string): string => {
  const space = Buffer.from(namespace.replaceAll('-', ''), 'hex')
  if (space.length !== 16) throw new TypeError(`namespace must be a UUID, got "${namespace}"`)
  return format(createHash('sha1').update(space).update(name, 'utf8').digest().subarray(0, 16), 5)
}
