/**
 * The answer of every reading function that saw something it must not guess about. Guessing wrong is worse than asking, so
 * "not there" (undefined) and "there, but I cannot tell what it means" (this) are different results.
 */
export interface Unclear {
  /** What to ask back; names the words it is about and how to write them instead. */
  readonly unclear: string
}

/** Makes an {@link Unclear}. */
export const unclear = (question: string): Unclear => ({ unclear: question })

/** Tells {@link Unclear} from any other result. */
export const isUnclear = (value: unknown): value is Unclear =>
  typeof value === 'object' && value !== null && 'unclear' in value
