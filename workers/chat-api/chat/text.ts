/**
 * A message while it is being read. Quoted parts are taken out first (they are literal and never searched for dates), and
 * each recognised part is replaced by a mark, so that what remains in the end is the title.
 */

/** Stands for a part that was recognised and taken out. A private-use character: it is removed from input, so none is forged. */
export const cutMark = '\uE000'
const firstQuote = 0xe100
const maximumQuotes = 100

/** A text whose quoted parts are single placeholder characters. */
export interface MaskedText {
  readonly text: string
  /** Puts the quoted parts (without their quotation marks) back into any piece of the text. */
  restore(piece: string): string
}

/** Takes out everything between straight or curly double quotes. An unpaired quotation mark stays as it is. */
export function maskQuotes(message: string): MaskedText {
  const quotes: string[] = []
  const text = message
    .replace(/[\uE000-\uF8FF]/gu, ' ')
    .replace(/"([^"]+)"|“([^”]+)”/g, (whole, straight?: string, curly?: string) => {
      if (quotes.length >= maximumQuotes) return whole
      quotes.push((straight ?? curly ?? '').trim())
      return String.fromCharCode(firstQuote + quotes.length - 1)
    })
  const restore = (piece: string): string =>
    piece.replace(/[\uE100-\uE1FF]/g, (mark) => quotes[mark.charCodeAt(0) - firstQuote] ?? '')
  return { text, restore }
}

/** Replaces a recognised part by a {@link cutMark}. */
export function cut(text: string, index: number, length: number): string {
  return `${text.slice(0, index)} ${cutMark} ${text.slice(index + length)}`
}

/** What is left when all marks are gone: one line, single blanks, no joining words hanging where a part was cut out. */
export function remainder(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(new RegExp(`(?:[,;:]|\\sand)?(?: ?${cutMark} ?)+(?:and\\s(?=$|${cutMark})|[,;]\\s?)?`, 'gi'), ' ')
    .replace(/\s+/g, ' ')
    .replace(/^[\s,;:-]+|[\s,;:-]+$/g, '')
}

/** True when `text` holds a placeholder of a quoted part. */
export const hasQuote = (text: string): boolean => /[\uE100-\uE1FF]/.test(text)
