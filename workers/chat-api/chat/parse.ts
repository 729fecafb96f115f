/**
 * The chat's grammar: one message, one command. Pure and deterministic: the same words at the same moment in the same zone give
 * the same command, on every host. Three rules hold everywhere:
 * - what is in "quotes" is literal;
 * - what was recognised is repeated in the reply, so that a wrong guess is seen;
 * - what is in doubt is asked back (`unclear`), never guessed.
 * The table in parse.test.ts is its specification.
 */
import { readAdd } from './add.ts'
import type { Command, TaskVerb } from './command.ts'
import { readList } from './list-phrase.ts'
import { readPosition, readReferences } from './reference.ts'
import { maskQuotes } from './text.ts'
import type { MaskedText } from './text.ts'
import { isUnclear } from './unclear.ts'
import type { ChatClock } from './when.ts'

const courtesy =
  /^(?:(?:please|hey|hi|hello|ok|okay|can you|could you|would you|i want to|i need to|i'd like to)[,\s]+)+(?=\S)/i
const addVerb =
  /^(?:add|create|new|make)(?:\s+(?:a\s+|an\s+)?(?:new\s+)?(?:task|todo|to-do|item)(?:\s+(?:to|called|named|for))?\s*:?|\s*:)?\s+(.+)$/is
const remindTo = /^remind\s+me\s+(?:to|about|of)\s+(.+)$/is
const remindWhen = /^remind\s+me\s+(.{2,60}?)\s+to\s+(.+)$/is
const listVerb = /^(?:list|ls|show|display|view|search|find|what(?:'s|\s+is|\s+are|\s+do\s+i\s+have)?|which)\b(.*)$/is
const verbs: readonly (readonly [TaskVerb, RegExp])[] = [
  [
    'complete',
    /^(?:complete|finish|done(?:\s+with)?|check(?:\s+off)?|tick(?:\s+off)?|close|i\s+(?:did|finished|completed))\b\s*:?\s*(.*)$/is,
  ],
  ['reopen', /^(?:reopen|re-open|uncomplete|uncheck|undo\s+complete)\b\s*(.*)$/is],
  ['delete', /^(?:delete|remove|drop|cancel\s+task)\b\s*(.*)$/is],
]
const later = /^(rename|update|change|edit|move|reschedule|postpone|snooze|set|tag|untag|skip|undo|stats|history)\b/i

/** Reads one message of at most 2,000 characters. Never throws; what it cannot read is `unclear`. */
export function parseMessage(message: string, clock: ChatClock): Command {
  const mask = maskQuotes(message)
  const text = mask.text.trim().replace(courtesy, '').trim()
  return (
    shortAnswer(text) ??
    adding(text, mask, clock) ??
    acting(text, mask) ??
    listing(text, mask, clock) ??
    notUnderstood(text)
  )
}

function shortAnswer(text: string): Command | undefined {
  const plain = text.toLowerCase().replace(/[.!?]+$/, '')
  if (/^(?:yes|y|yep|yeah|sure|confirm|do it|go ahead|yes please)$/.test(plain)) return { intent: 'confirm' }
  if (/^(?:no|n|nope|cancel|never ?mind|abort|stop|no thanks)$/.test(plain)) return { intent: 'cancel' }
  if (/^(?:help|commands|what can you do|\?)$/.test(plain)) return { intent: 'help' }
  const position = readPosition(plain)
  return position?.by === 'number' ? { intent: 'choose', position: position.position } : undefined
}

function adding(text: string, mask: MaskedText, clock: ChatClock): Command | undefined {
  const reminding = remindTo.exec(text)
  const timed = reminding ? undefined : remindWhen.exec(text)
  const body = reminding?.[1] ?? (timed ? `${timed[2] ?? ''} ${timed[1] ?? ''}` : addVerb.exec(text)?.[1])
  if (body === undefined) {
    if (!/^(?:add|create|new|make|remind(?:\s+me)?)\b/i.test(text)) return undefined
    return {
      intent: 'unclear',
      about: 'add',
      question: 'What shall I add? Say for example: add buy milk tomorrow at 5pm.',
    }
  }
  const command = readAdd(body, mask, clock, reminding !== null || (timed !== null && timed !== undefined))
  return isUnclear(command) ? { intent: 'unclear', about: 'add', question: command.unclear } : command
}

function acting(text: string, mask: MaskedText): Command | undefined {
  const marked = /^mark\s+(.+?)\s+(?:as\s+)?(done|complete|completed|finished|open|not\s+done)[.!]*$/is.exec(text)
  if (marked) return refer(/open|not/i.test(marked[2] ?? '') ? 'reopen' : 'complete', marked[1] ?? '', mask)
  const trailing = /^(#?\d{1,3}|(?:the\s+)?\w+\s+one|it|that)\s+(?:is\s+)?done[.!]*$/is.exec(text)
  if (trailing) return refer('complete', trailing[1] ?? '', mask)
  for (const [verb, pattern] of verbs) {
    const match = pattern.exec(text)
    if (match) return refer(verb, match[1] ?? '', mask)
  }
  return undefined
}

function refer(verb: TaskVerb, words: string, mask: MaskedText): Command {
  const references = readReferences(words, mask)
  return isUnclear(references)
    ? {
        intent: 'unclear',
        about: verb,
        question: `I understood that you want to ${verb} something. ${references.unclear}`,
      }
    : { intent: verb, references }
}

function listing(text: string, mask: MaskedText, clock: ChatClock): Command | undefined {
  const match = listVerb.exec(text)
  const bare = /^(?:(?:my|all)\s+)*(?:tasks?|todos?|today|tomorrow|overdue|this week)\??$/i.exec(text)?.[0]
  const body = match?.[1] ?? bare
  if (body === undefined) return undefined
  const command = readList(` ${body.trim()} `, mask, clock)
  return isUnclear(command) ? { intent: 'unclear', about: 'list', question: command.unclear } : command
}

function notUnderstood(text: string): Command {
  const known = later.exec(text)?.[1]?.toLowerCase()
  const question =
    known === undefined
      ? 'I did not understand that, and changed nothing. I can add, list, complete, reopen and delete tasks; say "help" for examples.'
      : `I understood "${known}", which I cannot do in the chat yet; nothing was changed. Use PATCH /api/v1/tasks/{id}, or say "help" for what I can do here.`
  return { intent: 'unclear', about: 'unknown', question }
}
