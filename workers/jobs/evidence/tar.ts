/**
 * The ustar format (POSIX.1-1988, IEEE Std 1003.1 "pax": ustar Interchange Format), as much of it as an archive of regular files needs: a
 * header of 512 bytes per file, content padded to 512 bytes, two empty blocks at the end. Pure.
 */

const block = 512

/** The end of an archive. */
export const tarEnd: Buffer = Buffer.alloc(2 * block)

/** Bytes that pad a file of this size to whole blocks. */
export const tarPadding = (size: number): Buffer => Buffer.alloc((block - (size % block)) % block)

/**
 * A path as name (100 bytes) and prefix (155 bytes), divided at a slash.
 * @throws RangeError when it does not fit
 */
const divide = (path: string): { readonly name: string; readonly prefix: string } => {
  if (Buffer.byteLength(path) <= 100) return { name: path, prefix: '' }
  for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
    const [prefix, name] = [path.slice(0, slash), path.slice(slash + 1)]
    if (Buffer.byteLength(name) <= 100 && Buffer.byteLength(prefix) <= 155) return { name, prefix }
    if (Buffer.byteLength(name) > 100) break
  }
  throw new RangeError(`${path}: is too long for a tar archive`)
}

const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`

/** The header of a regular file. @param modifiedAt seconds since the epoch */
export const tarHeader = (path: string, size: number, modifiedAt: number): Buffer => {
  const { name, prefix } = divide(path)
  const header = Buffer.alloc(block)
  const put = (text: string, offset: number): void => void header.write(text, offset, 'utf8')
  put(name, 0)
  put(octal(0o640, 8), 100)
  put(octal(0, 8), 108)
  put(octal(0, 8), 116)
  put(octal(size, 12), 124)
  put(octal(modifiedAt, 12), 136)
  put('        ', 148)
  put('0', 156)
  put('ustar\u000000', 257)
  put(prefix, 345)
  const sum = header.reduce((total, byte) => total + byte, 0)
  put(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}
