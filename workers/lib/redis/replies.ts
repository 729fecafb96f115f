/** What Redis answers: bytes, a number, nothing, or a list of these; an Error stands for an error reply. */
export type Reply = Buffer | number | null | readonly Reply[]

type Parsed = { readonly value: Reply | Error; readonly next: number } | undefined

/**
 * Parses RESP2 (https://redis.io/docs/latest/develop/reference/protocol-spec/) that arrives in any pieces; `onReply` is told each whole reply.
 * The returned function throws when the bytes are no RESP.
 */
export const createReplyParser = (onReply: (reply: Reply | Error) => void): ((chunk: Buffer) => void) => {
  let held: Buffer[] = []
  let size = 0
  /** Bytes below which it is no use to look again: a large value arrives in many pieces. */
  let wanted = 0

  const lineAt = (bytes: Buffer, from: number): { text: string; next: number } | undefined => {
    const end = bytes.indexOf('\r\n', from)
    return end < 0 ? undefined : { text: bytes.toString('latin1', from, end), next: end + 2 }
  }
  const parseAt = (bytes: Buffer, from: number): Parsed => {
    const line = lineAt(bytes, from + 1)
    if (line === undefined) return undefined
    const { text, next } = line
    switch (bytes[from]) {
      case 0x2b: // +
        return { value: Buffer.from(text, 'latin1'), next }
      case 0x2d: // -
        return { value: new Error(text), next }
      case 0x3a: // :
        return { value: Number(text), next }
      case 0x24: {
        // $
        const length = Number(text)
        if (length < 0) return { value: null, next }
        wanted = next + length + 2
        if (bytes.length < wanted) return undefined
        return { value: Buffer.from(bytes.subarray(next, next + length)), next: wanted }
      }
      case 0x2a: {
        // *
        const count = Number(text)
        if (count < 0) return { value: null, next }
        const items: Reply[] = []
        let at = next
        for (let index = 0; index < count; index += 1) {
          const item = parseAt(bytes, at)
          if (item === undefined) return undefined
          if (item.value instanceof Error) throw new Error(`an error inside of a list: ${item.value.message}`)
          items.push(item.value)
          at = item.next
        }
        return { value: items, next: at }
      }
      default:
        throw new Error('this is not a Redis server: its answer is no RESP')
    }
  }

  return (chunk) => {
    held.push(chunk)
    size += chunk.length
    if (size < wanted) return
    const bytes = held.length === 1 ? chunk : Buffer.concat(held)
    let at = 0
    wanted = 0
    while (at < bytes.length) {
      const parsed = parseAt(bytes, at)
      if (parsed === undefined) break
      onReply(parsed.value)
      at = parsed.next
      wanted = 0
    }
    const rest = bytes.subarray(at)
    held = rest.length === 0 ? [] : [rest]
    size = rest.length
    wanted = Math.max(0, wanted - at)
  }
}
