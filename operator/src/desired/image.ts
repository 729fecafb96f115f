import type { Image } from '../api/v1alpha1/schema/images.ts'
import type { DesireInput, OperandImages } from './types.ts'
import { versionOf } from './object.ts'

/** One of the operand images. */
export type OperandName = keyof OperandImages

/** The part of a reference after the repository: `:tag` or `@digest`. A colon before the last slash is a port. */
const splitReference = (reference: string): { readonly repository: string; readonly suffix: string } => {
  const at = reference.indexOf('@')
  if (at >= 0) return { repository: reference.slice(0, at), suffix: reference.slice(at) }
  const colon = reference.indexOf(':', reference.lastIndexOf('/') + 1)
  return colon < 0
    ? { repository: reference, suffix: '' }
    : { repository: reference.slice(0, colon), suffix: reference.slice(colon) }
}

const suffixOf = (image: Image | undefined): string | undefined =>
  image?.digest === undefined ? (image?.tag === undefined ? undefined : `:${image.tag}`) : `@${image.digest}`

/**
 * The image of a container: the override of one worker first, then spec.images, then what the operator was installed with. A version in the
 * spec that is not the operator's own stands for the tag of the workers' image, unless a tag or digest is given.
 */
export const imageOf = (
  input: DesireInput,
  operand: OperandName,
  override?: Image,
): { image: string; imagePullPolicy: string } => {
  const { bot, facts } = input
  const general = bot.spec.images[operand]
  const installed = splitReference(facts.images[operand])
  const version = versionOf(input)
  const ofVersion =
    (operand === 'workers' || operand === 'backup') && version !== facts.operatorVersion ? `:${version}` : undefined
  const repository = override?.repository ?? general?.repository ?? installed.repository
  const suffix = suffixOf(override) ?? suffixOf(general) ?? ofVersion ?? installed.suffix
  return {
    image: repository + suffix,
    imagePullPolicy: override?.pullPolicy ?? general?.pullPolicy ?? 'IfNotPresent',
  }
}
