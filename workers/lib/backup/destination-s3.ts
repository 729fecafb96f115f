import { readFile } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  paginateListObjectsV2,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import type { ListMultipartUploadsCommandOutput, PutObjectCommandInput } from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import type { S3DestinationConfig } from './destination-config.ts'
import type { Destination, StoredFile } from './destination.ts'
import { BackupError, isBackupError, wordsOf } from './errors.ts'
import type { BackupErrorCode } from './errors.ts'

/** Bytes of one part of a multipart upload: S3 takes 10 000 of them, so a file may have 160 GB. */
const partBytes = 16 * 1024 * 1024
/** Parts of one file on their way at once; with the size above this is what an upload holds in memory. */
const partsAtOnce = 2
/** Keys of one DeleteObjects, by the protocol. */
const keysPerDelete = 1_000

/** Names of errors (S3, and of Node's network) and what they mean for a destination. */
const codes: Readonly<Record<string, BackupErrorCode>> = {
  NoSuchBucket: 'DestinationGone',
  ECONNREFUSED: 'DestinationGone',
  ENOTFOUND: 'DestinationGone',
  EAI_AGAIN: 'DestinationGone',
  EHOSTUNREACH: 'DestinationGone',
  ENETUNREACH: 'DestinationGone',
  TimeoutError: 'DestinationGone',
  AccessDenied: 'DestinationReadOnly',
  AllAccessDisabled: 'DestinationReadOnly',
  MethodNotAllowed: 'DestinationReadOnly',
  QuotaExceeded: 'DestinationFull',
  XMinioStorageFull: 'DestinationFull',
  InsufficientStorage: 'DestinationFull',
  InvalidAccessKeyId: 'WrongCredentials',
  SignatureDoesNotMatch: 'WrongCredentials',
  ExpiredToken: 'WrongCredentials',
  InvalidToken: 'WrongCredentials',
  NoSuchKey: 'PartMissing',
  NotFound: 'PartMissing',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'DestinationUntrusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'DestinationUntrusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'DestinationUntrusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'DestinationUntrusted',
  CERT_HAS_EXPIRED: 'DestinationUntrusted',
  ERR_TLS_CERT_ALTNAME_INVALID: 'DestinationUntrusted',
}

const codeOf = (error: unknown): BackupErrorCode | undefined => {
  if (!(error instanceof Error)) return undefined
  const { code, Code } = error as { code?: string; Code?: string }
  if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 507) return 'DestinationFull'
  const known = codes[error.name] ?? codes[Code ?? ''] ?? codes[code ?? '']
  if (known !== undefined) return known
  if (error instanceof AggregateError) return error.errors.map(codeOf).find((found) => found !== undefined)
  return error instanceof S3ServiceException || code !== undefined ? 'DestinationFailed' : undefined
}

/** A bucket. The credentials are read once, when it is opened. Each request is tried five times. */
export const openS3 = async (config: S3DestinationConfig): Promise<Destination> => {
  const { endpoint, region, bucket, prefix, pathStyle, serverSideEncryption, objectLock } = config
  const place = `bucket ${bucket} at ${endpoint}`
  const read = async (file: string): Promise<string> => {
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      throw new BackupError('WrongCredentials', `${file} cannot be read: ${wordsOf(error)}`, { cause: error })
    })
    return text.trim()
  }
  const accessKeyId = await read(config.accessKeyIdFile)
  const secretAccessKey = await read(config.secretAccessKeyFile)
  const ca = config.caFile === undefined ? undefined : await read(config.caFile)
  const client = new S3Client({
    endpoint,
    region,
    forcePathStyle: pathStyle,
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: 5,
    // Servers that are only compatible do not all know the newer checksums; a locked bucket demands them.
    requestChecksumCalculation: objectLock === undefined ? 'WHEN_REQUIRED' : 'WHEN_SUPPORTED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: 5_000,
      requestTimeout: 60_000,
      throwOnRequestTimeout: true,
      ...(ca === undefined ? {} : { httpsAgent: { ca, keepAlive: true } }),
    },
  })
  const keyOf = (path: string): string => (prefix === undefined ? path : `${prefix}/${path}`)
  const pathOf = (key: string): string => (prefix === undefined ? key : key.slice(prefix.length + 1))

  const guard = async <T>(what: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      if (isBackupError(error)) throw error
      signal?.throwIfAborted()
      const code = codeOf(error)
      if (code === undefined) throw error
      throw new BackupError(code, `${what} in ${place}: ${nameOf(error)}${wordsOf(error)}`, { cause: error })
    }
  }

  const options = (): Omit<PutObjectCommandInput, 'Bucket' | 'Key' | 'Body'> => ({
    ...(serverSideEncryption === undefined ? {} : { ServerSideEncryption: serverSideEncryption.algorithm }),
    ...(serverSideEncryption?.algorithm === 'aws:kms' && serverSideEncryption.keyId !== undefined
      ? { SSEKMSKeyId: serverSideEncryption.keyId }
      : {}),
    ...(objectLock === undefined
      ? {}
      : {
          ObjectLockMode: objectLock.mode,
          ObjectLockRetainUntilDate: new Date(Date.now() + objectLock.days * 86_400_000),
        }),
  })

  const put = async (path: string, body: Readable, signal: AbortSignal): Promise<{ bytes: number }> => {
    let bytes = 0
    const upload = new Upload({
      client,
      params: { Bucket: bucket, Key: keyOf(path), Body: body, ...options() },
      partSize: partBytes,
      queueSize: partsAtOnce,
    })
    upload.on('httpUploadProgress', ({ loaded = 0 }) => {
      bytes = Math.max(bytes, loaded)
    })
    const stop = (): void => {
      // Its rejection is heard by whoever awaits done().
      upload.abort().catch(() => undefined)
    }
    signal.addEventListener('abort', stop, { once: true })
    try {
      signal.throwIfAborted()
      await upload.done()
      return { bytes }
    } finally {
      signal.removeEventListener('abort', stop)
      body.destroy()
    }
  }

  return {
    put: (path, body, signal) => guard(`writing ${path}`, signal, () => put(path, body, signal)),
    get: (path, signal) =>
      guard(`reading ${path}`, signal, async () => {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: keyOf(path) }), {
          abortSignal: signal,
        })
        return Body as Readable
      }),
    list: (folder, signal) =>
      guard(`listing ${folder}`, signal, async () => {
        const files: StoredFile[] = []
        for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: `${keyOf(folder)}/` })) {
          signal.throwIfAborted()
          for (const { Key = '', Size = 0, LastModified = new Date(0) } of page.Contents ?? [])
            files.push({ path: pathOf(Key), bytes: Size, modifiedAt: LastModified })
        }
        return files.sort((a, b) => (a.path < b.path ? -1 : 1))
      }),
    remove: (paths, signal) =>
      guard('deleting', signal, async () => {
        for (let at = 0; at < paths.length; at += keysPerDelete) {
          const Objects = paths.slice(at, at + keysPerDelete).map((path) => ({ Key: keyOf(path) }))
          const { Errors = [] } = await client.send(
            new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }),
            { abortSignal: signal },
          )
          const [first] = Errors
          if (first === undefined) continue
          const code = codes[first.Code ?? ''] ?? 'DestinationFailed'
          throw new BackupError(code, `deleting ${first.Key ?? ''} in ${place}: ${first.Message ?? first.Code ?? ''}`)
        }
      }),
    removeUnfinished: (folder, signal) =>
      guard('deleting what is unfinished', signal, async () => {
        for (let marker: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {}; marker !== undefined;) {
          const page: ListMultipartUploadsCommandOutput = await client.send(
            new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: `${keyOf(folder)}/`, ...marker }),
            { abortSignal: signal },
          )
          for (const { Key, UploadId } of page.Uploads ?? [])
            await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }), {
              abortSignal: signal,
            })
          const { NextKeyMarker: KeyMarker = '', NextUploadIdMarker: UploadIdMarker = '' } = page
          marker = page.IsTruncated === true ? { KeyMarker, UploadIdMarker } : undefined
        }
      }),
    freeBytes: () => Promise.resolve(undefined),
    describe: () => `the ${place}${prefix === undefined ? '' : `, folder ${prefix}`}`,
    close: () => client.destroy(),
  }
}

/** S3 errors often have no words of their own. */
const nameOf = (error: unknown): string => (error instanceof S3ServiceException ? `${error.name} ` : '')
