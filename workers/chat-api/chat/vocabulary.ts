/** English words of the calendar, as regular expression sources and look-up tables. Everything is matched in lower case. */

/** RFC 5545 weekday code. */
export type Weekday = 'MO' | 'TU' | 'WE' | 'TH' | 'FR' | 'SA' | 'SU'

/** Monday to Sunday, the order RRULEs are written in. */
export const weekdays: readonly Weekday[] = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU']

/** Matches one weekday, short, long or plural: `mon`, `tues`, `fridays`. */
export const weekdayPattern =
  '(?:mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:r(?:s(?:day)?)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)s?'

/** The code of a word matched by {@link weekdayPattern}. */
export function weekdayOf(word: string): Weekday {
  return weekdays.find((code) => word.toUpperCase().startsWith(code)) ?? 'MO'
}

const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

/** Matches one month, short or long. */
export const monthPattern =
  '(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)'

/** 1 to 12 for a word matched by {@link monthPattern}. */
export const monthOf = (word: string): number => monthNames.indexOf(word.slice(0, 3)) + 1

/** Days of a month in the longest year. */
export const longestMonth = (month: number): number => [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 31

const numberWords = [
  'zero',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
  'eleven',
  'twelve',
]

/** Matches a whole number, in digits (up to four) or in words up to twelve. */
export const numberPattern = `(?:\\d{1,4}|${numberWords.slice(1).join('|')}|an?)`

/** The value of a text matched by {@link numberPattern}. */
export function numberOf(text: string): number {
  if (/^\d+$/.test(text)) return Number(text)
  return text === 'a' || text === 'an' ? 1 : numberWords.indexOf(text)
}

const ordinalWords = ['first', 'second', 'third', 'fourth', 'fifth']

/** Matches `1st`, `22nd`, `third`, `last`. */
export const ordinalPattern = `(?:\\d{1,2}(?:st|nd|rd|th)|${ordinalWords.join('|')}|last)`

/** The value of a text matched by {@link ordinalPattern}; -1 for `last`. */
export function ordinalOf(text: string): number {
  if (text === 'last') return -1
  const digits = /^\d+/.exec(text)
  return digits ? Number(digits[0]) : ordinalWords.indexOf(text) + 1
}

/** Hours the words for parts of the day stand for; the same as Todoist's, whose users write such phrases. */
export const partsOfDay: Readonly<Record<string, number>> = {
  morning: 9,
  noon: 12,
  afternoon: 12,
  evening: 19,
  night: 22,
  midnight: 0,
}

/** Hour of a task whose date was given without a time. */
export const defaultHour = 9
