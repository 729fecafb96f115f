import { KubeError } from './kube-error.ts'

/** An object of the API server is at most 1.5 MiB in etcd; a longer line means that the stream is out of step. */
const MAX_LINE_BYTES = 16 * 1024 * 1024
const LINE_FEED = 0x0a

/**
 * Splits a byte stream into JSON values, one per line. Lines are searched in bytes and decoded whole, so that a chunk that ends
 * in the middle of a UTF-8 character does no harm. The rest after the last line feed is dropped: the connection was cut there.
 * @throws KubeError with reason `Malformed` for a line that is not JSON or too long.
 */
export async function* parseLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator {
  let pending: Uint8Array[] = []
  let pendingBytes = 0
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      const tail = chunk.subarray(start, end)
      const line = pending.length === 0 ? tail : Buffer.concat([...pending, tail])
      pending = []
      pendingBytes = 0
      start = end + 1
      if (line.length > 0) yield parseLine(line)
    }
    if (start === chunk.length) continue
    pending.push(chunk.subarray(start))
    pendingBytes += chunk.length - start
    if (pendingBytes > MAX_LINE_BYTES) throw malformed(`a line is longer than ${MAX_LINE_BYTES} bytes`)
  }
}

const parseLine = (line: Uint8Array): unknown => {
  const text = Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8')
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw malformed(`a line of ${line.length} bytes is not JSON`, cause)
  }
}

const malformed = (message: string, cause?: unknown): KubeError =>
  new KubeError({ status: 0, reason: 'Malformed', message: `watch: ${message}`, cause })
