import type { Reference } from './command.ts'
import { hasQuote } from './text.ts'
import type { MaskedText } from './text.ts'
import { isUnclear, unclear } from './unclear.ts'
import type { Unclear } from './unclear.ts'

const ordinals = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth', 'ninth', 'tenth']
const ordinalReference = new RegExp(
  `^(?:the\\s+)?(${ordinals.join('|')}|\\d{1,3}(?:st|nd|rd|th))(?:\\s+(?:one|task|item))?$`,
  'i',
)
const numberReference = /^(?:(?:the\s+)?(?:task|item|number|no\.?)\s+)?#?(\d{1,3})$/i
const idReference = /^[0-9a-f]{8}(?:-?[0-9a-f-]{0,28})$/i
const listSeparator = /\s*,\s*(?:and\s+)?|\s+and\s+|\s*&\s*/i

/**
 * Reads what a verb acts on: `#2`, `1, 3 and 5`, `the second one`, `the last one`, `it`, `all`, `"exact title"`, an id, or words
 * of a title. "and" splits only when every part is a number or an ordinal: titles contain "and", too.
 */
export function readReferences(text: string, mask: MaskedText): Reference[] | Unclear {
  const cleaned = text
    .trim()
    .replace(/[.!?]+$/, '')
    .trim()
  if (cleaned === '') return unclear('Which task? Name it by its number in the last list ("#2") or by its title.')
  const span = /^#?(\d{1,3})\s*(?:-|–|to|through)\s*#?(\d{1,3})$/.exec(cleaned)
  if (span) return spanOf(Number(span[1]), Number(span[2]))
  const pieces = cleaned.split(listSeparator).filter((piece) => piece !== '')
  const positions = pieces.map((piece) => readPosition(piece))
  if (pieces.length > 1 && positions.every((position) => position !== undefined)) return positions
  if (pieces.length > 1 && pieces.every((piece) => hasQuote(piece) && piece.length === 1)) {
    return pieces.map((piece) => ({ by: 'quote', title: mask.restore(piece) }))
  }
  const single = readSingle(cleaned, mask)
  return isUnclear(single) ? single : [single]
}

function readSingle(text: string, mask: MaskedText): Reference | Unclear {
  const position = readPosition(text)
  if (position) return position
  const plain = text.toLowerCase()
  if (/^(?:it|that|this|that one|this one|that task|this task)$/.test(plain)) return { by: 'recent' }
  if (
    /^(?:all|everything|all of them|them all|all (?:my |the )?(?:open )?tasks|every task|them|those|these)$/.test(plain)
  )
    return { by: 'all' }
  if (hasQuote(text)) {
    const outside = text
      .replace(/[\uE100-\uE1FF]/g, '')
      .replace(/\b(?:the|task|called|named|titled)\b/gi, '')
      .trim()
    if (outside === '') return { by: 'quote', title: mask.restore(text.replace(/[^\uE100-\uE1FF]/g, '')) }
    return { by: 'words', words: mask.restore(text) }
  }
  if (idReference.test(text) && /\d/.test(text)) return { by: 'id', prefix: plain }
  const words = text.replace(/^(?:the|my)\s+/i, '').replace(/\s+(?:task|item|one)$/i, '')
  return words === '' ? unclear('Which task?') : { by: 'words', words }
}

/** A position in the last list; a number in words counts only as an ordinal ("the second one"). */
export function readPosition(text: string): Reference | undefined {
  const number = numberReference.exec(text)
  if (number) return { by: 'number', position: Number(number[1]) }
  const ordinal = ordinalReference.exec(text)?.[1]?.toLowerCase()
  if (ordinal !== undefined) {
    const word = ordinals.indexOf(ordinal)
    return { by: 'number', position: word >= 0 ? word + 1 : Number.parseInt(ordinal, 10) }
  }
  return /^(?:the\s+)?last(?:\s+(?:one|task|item))?$/i.test(text) ? { by: 'last' } : undefined
}

function spanOf(from: number, to: number): Reference[] | Unclear {
  if (from > to || to - from >= 100) return unclear(`"${from}-${to}" is not a range of list numbers, such as 2-4.`)
  return Array.from({ length: to - from + 1 }, (_, index) => ({ by: 'number', position: from + index }))
}
