/** Files in the age format (https://age-encryption.org/v1): any age program can read them. Everything is a stream; 64 KiB are held. */
import { Decrypter, Encrypter } from 'age-encryption'
import { BackupError, isBackupError, wordsOf } from './errors.ts'

/** Lines of a key file without comments and blanks. */
export const keyLines = (text: string): readonly string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))

/** Checks recipients (age1…); they are public and are written into the manifest. */
export const checkRecipients = (recipients: readonly string[]): void => {
  if (recipients.length === 0) throw new BackupError('BadKey', 'there are no recipients')
  encrypterFor(recipients)
}

const encrypterFor = (recipients: readonly string[]): Encrypter => {
  const encrypter = new Encrypter()
  for (const recipient of recipients) {
    try {
      encrypter.addRecipient(recipient)
    } catch (error) {
      throw new BackupError('BadKey', `"${recipient}" is no recipient: ${wordsOf(error)}`, { cause: error })
    }
  }
  return encrypter
}

/** Encrypts a stream for every one of the recipients. */
export async function* encrypting(
  source: AsyncIterable<Uint8Array>,
  recipients: readonly string[],
): AsyncGenerator<Uint8Array> {
  yield* await encrypterFor(recipients).encrypt(ReadableStream.from(source))
}

/**
 * Decrypts a stream with the first identity (AGE-SECRET-KEY-1…) that fits.
 * @throws BackupError WrongKey when none does, PartCorrupt when the stream was changed or cut off.
 */
export async function* decrypting(
  source: AsyncIterable<Uint8Array>,
  identities: readonly string[],
): AsyncGenerator<Uint8Array> {
  const decrypter = new Decrypter()
  for (const identity of identities) {
    try {
      decrypter.addIdentity(identity)
    } catch (error) {
      // The text is a secret, so it is not shown.
      throw new BackupError('BadKey', 'an identity cannot be read', { cause: error })
    }
  }
  try {
    yield* await decrypter.decrypt(ReadableStream.from(source))
  } catch (error) {
    if (isBackupError(error)) throw error
    const words = wordsOf(error)
    if (/no identity matched/i.test(words))
      throw new BackupError('WrongKey', 'none of the identities can decrypt this backup', { cause: error })
    throw new BackupError('PartCorrupt', `decryption failed: ${words}`, { cause: error })
  }
}
