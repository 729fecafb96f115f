import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { BackupError, wordsOf } from './errors.ts'

/** Ed25519 signature over `bytes`, base64. `privateKey` is PEM (PKCS #8). */
export const signBytes = (bytes: Uint8Array, privateKey: string): string =>
  sign(undefined, bytes, createPrivateKey(privateKey)).toString('base64')

/**
 * Checks a signature of {@link signBytes}. `publicKey` is PEM (SPKI).
 * @throws BackupError SignatureWrong when it does not fit, or the key is none.
 */
export const verifySignature = (bytes: Uint8Array, signature: string, publicKey: string): void => {
  let key
  try {
    key = createPublicKey(publicKey)
  } catch (error) {
    throw new BackupError('SignatureWrong', `the public key cannot be read: ${wordsOf(error)}`, { cause: error })
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw new BackupError(
      'SignatureWrong',
      `the public key is of type ${key.asymmetricKeyType ?? 'unknown'}, not ed25519`,
    )
  if (!verify(undefined, bytes, key, Buffer.from(signature, 'base64')))
    throw new BackupError('SignatureWrong', 'the signature does not belong to these bytes and this key')
}
