import { Temporal } from 'temporal-polyfill'
import { describe, expect, it } from 'vitest'
import type { AddCommand, Command, ListCommand } from './command.ts'
import { parseMessage } from './parse.ts'

// Wednesday 14 January 2026, 10:00 in Berlin (UTC+1).
const clock = { now: Temporal.Instant.from('2026-01-14T09:00:00Z'), zone: 'Europe/Berlin' }
const parse = (message: string): Command => parseMessage(message, clock)

const add = (message: string): AddCommand => {
  const command = parse(message)
  if (command.intent !== 'add') throw new Error(`"${message}" became ${JSON.stringify(command)}`)
  return command
}

/** Due times are written in Berlin's winter time. */
const local = (text: string): string => new Date(`${text}+01:00`).toISOString()

describe('adding a task', () => {
  it.each<[string, string, string | null]>([
    ['add buy milk', 'buy milk', null],
    ['Add a task to call mom', 'call mom', null],
    ['create task: write report', 'write report', null],
    ['please add buy milk', 'buy milk', null],
    ['could you add buy milk tomorrow', 'buy milk', '2026-01-15T09:00:00'],
    ['add buy milk tomorrow at 5pm', 'buy milk', '2026-01-15T17:00:00'],
    ['add call mom tomorrow about dinner', 'call mom about dinner', '2026-01-15T09:00:00'],
    ['add tomorrow at 5pm buy milk', 'buy milk', '2026-01-15T17:00:00'],
    ['add call at 17:30', 'call', '2026-01-14T17:30:00'],
    ['add call at 8:15', 'call', '2026-01-15T08:15:00'],
    ['add call at 9am', 'call', '2026-01-15T09:00:00'],
    ['add lunch at noon', 'lunch', '2026-01-14T12:00:00'],
    ['add watch the film tonight', 'watch the film', '2026-01-14T22:00:00'],
    ['add jog tomorrow morning', 'jog', '2026-01-15T09:00:00'],
    ['add read tomorrow evening', 'read', '2026-01-15T19:00:00'],
    ['add walk the dog today', 'walk the dog', '2026-01-14T23:59:00'],
    ['add lunch day after tomorrow at noon', 'lunch', '2026-01-16T12:00:00'],
    ['add report on friday', 'report', '2026-01-16T09:00:00'],
    ['add report by friday 5pm', 'report', '2026-01-16T17:00:00'],
    ['add gym sat', 'gym', '2026-01-17T09:00:00'],
    ['add submit next week', 'submit', '2026-01-19T09:00:00'],
    ['add invoice next month', 'invoice', '2026-02-01T09:00:00'],
    ['add party this weekend', 'party', '2026-01-17T09:00:00'],
    ['add pay rent in 3 days', 'pay rent', '2026-01-17T09:00:00'],
    ['add take it out of the oven in 2h', 'take it out of the oven', '2026-01-14T12:00:00'],
    ['add stretch in half an hour', 'stretch', '2026-01-14T10:30:00'],
    ['add submit by end of month', 'submit', '2026-01-31T23:59:00'],
    ['add ship it eod', 'ship it', '2026-01-14T23:59:00'],
    ['add party 27 jan', 'party', '2026-01-27T09:00:00'],
    ['add party jan 27th at 5pm', 'party', '2026-01-27T17:00:00'],
    ['add party due 2026-01-27', 'party', '2026-01-27T09:00:00'],
    ['add party 2026-01-27 at 14:00', 'party', '2026-01-27T14:00:00'],
    ['add meeting 1/27', 'meeting', '2026-01-27T09:00:00'],
    ['add plan 2027 budget', 'plan 2027 budget', null],
    ['add buy sun cream', 'buy sun cream', null],
    ['add may need to buy cheese', 'may need to buy cheese', null],
    ['add buy 2 apples', 'buy 2 apples', null],
    ['add bread and butter', 'bread and butter', null],
    ['add write weekly report', 'write weekly report', null],
    ['add "Friday report" tomorrow', 'Friday report', '2026-01-15T09:00:00'],
    ['add read "every book by Asimov"', 'read every book by Asimov', null],
    ['add read “tomorrow never dies”', 'read tomorrow never dies', null],
  ])('reads "%s"', (message, title, due) => {
    expect(add(message)).toMatchObject({ title, dueAt: due === null ? null : local(due), recurrence: null })
  })

  it('takes tags, priority and a description out of the title', () => {
    expect(add('add buy milk #home @shop p1 // two litres, not "skimmed"')).toMatchObject({
      title: 'buy milk',
      tags: ['home', 'shop'],
      priority: 'HIGH',
      description: 'two litres, not skimmed',
    })
    expect(add('add fix bug #42 !low')).toMatchObject({ title: 'fix bug #42', tags: [], priority: 'LOW' })
    expect(add('add see https://example.com/a')).toMatchObject({ title: 'see https://example.com/a', description: '' })
  })
})

describe('repetitions', () => {
  it.each<[string, string, string]>([
    ['every day', 'FREQ=DAILY', '2026-01-15T09:00:00'],
    ['daily', 'FREQ=DAILY', '2026-01-15T09:00:00'],
    ['every day at 5pm', 'FREQ=DAILY', '2026-01-14T17:00:00'],
    ['every morning', 'FREQ=DAILY', '2026-01-15T09:00:00'],
    ['every evening', 'FREQ=DAILY', '2026-01-14T19:00:00'],
    ['every other day', 'FREQ=DAILY;INTERVAL=2', '2026-01-15T09:00:00'],
    ['every 3 days', 'FREQ=DAILY;INTERVAL=3', '2026-01-15T09:00:00'],
    ['every three days at noon', 'FREQ=DAILY;INTERVAL=3', '2026-01-14T12:00:00'],
    ['every hour', 'FREQ=HOURLY', '2026-01-14T10:00:00'],
    ['every 4 hours', 'FREQ=HOURLY;INTERVAL=4', '2026-01-14T10:00:00'],
    ['every week', 'FREQ=WEEKLY', '2026-01-15T09:00:00'],
    ['weekly', 'FREQ=WEEKLY', '2026-01-15T09:00:00'],
    ['every weekday at 9:30', 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', '2026-01-15T09:30:00'],
    ['every workday', 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', '2026-01-15T09:00:00'],
    ['every weekend', 'FREQ=WEEKLY;BYDAY=SA', '2026-01-17T09:00:00'],
    ['every monday', 'FREQ=WEEKLY;BYDAY=MO', '2026-01-19T09:00:00'],
    ['every mon, wed and fri at 18:00', 'FREQ=WEEKLY;BYDAY=MO,WE,FR', '2026-01-14T18:00:00'],
    ['every fri, mon', 'FREQ=WEEKLY;BYDAY=MO,FR', '2026-01-16T09:00:00'],
    ['every other friday', 'FREQ=WEEKLY;INTERVAL=2;BYDAY=FR', '2026-01-16T09:00:00'],
    ['every 2 weeks on tue', 'FREQ=WEEKLY;INTERVAL=2;BYDAY=TU', '2026-01-20T09:00:00'],
    ['every month', 'FREQ=MONTHLY', '2026-01-15T09:00:00'],
    ['every month on the 1st at 9am', 'FREQ=MONTHLY;BYMONTHDAY=1', '2026-02-01T09:00:00'],
    ['every 15th', 'FREQ=MONTHLY;BYMONTHDAY=15', '2026-01-15T09:00:00'],
    ['every 15th and last day at noon', 'FREQ=MONTHLY;BYMONTHDAY=-1,15', '2026-01-15T12:00:00'],
    ['every last day', 'FREQ=MONTHLY;BYMONTHDAY=-1', '2026-01-31T09:00:00'],
    ['every 31st', 'FREQ=MONTHLY;BYMONTHDAY=-1', '2026-01-31T09:00:00'],
    ['every 30th', 'FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1', '2026-01-30T09:00:00'],
    ['every 3rd friday', 'FREQ=MONTHLY;BYDAY=3FR', '2026-01-16T09:00:00'],
    ['every 2nd monday of each month', 'FREQ=MONTHLY;BYDAY=2MO', '2026-02-09T09:00:00'],
    ['every last friday', 'FREQ=MONTHLY;BYDAY=-1FR', '2026-01-30T09:00:00'],
    ['every last workday', 'FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1', '2026-01-30T09:00:00'],
    ['every jan 27th', 'FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=27', '2026-01-27T09:00:00'],
    ['every 27 january', 'FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=27', '2026-01-27T09:00:00'],
    ['every feb 29', 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1', '2026-02-28T09:00:00'],
    ['every quarter', 'FREQ=MONTHLY;INTERVAL=3', '2026-01-15T09:00:00'],
    ['every year', 'FREQ=YEARLY', '2026-01-15T09:00:00'],
    ['every day for 5 times', 'FREQ=DAILY;COUNT=5', '2026-01-15T09:00:00'],
    ['every day 5 times', 'FREQ=DAILY;COUNT=5', '2026-01-15T09:00:00'],
    ['every day for 3 weeks', 'FREQ=DAILY;UNTIL=20260204', '2026-01-15T09:00:00'],
    ['every day until feb 1', 'FREQ=DAILY;UNTIL=20260201', '2026-01-15T09:00:00'],
    ['every mon starting feb 1', 'FREQ=WEEKLY;BYDAY=MO', '2026-02-02T09:00:00'],
    ['every month starting jan 31', 'FREQ=MONTHLY;BYMONTHDAY=-1', '2026-01-31T09:00:00'],
    ['every 2 weeks due 2026-02-01 at 8am', 'FREQ=WEEKLY;INTERVAL=2', '2026-02-01T08:00:00'],
    ['ev tue', 'FREQ=WEEKLY;BYDAY=TU', '2026-01-20T09:00:00'],
    ['each friday', 'FREQ=WEEKLY;BYDAY=FR', '2026-01-16T09:00:00'],
  ])('reads "%s" as %s', (phrase, rrule, first) => {
    const command = add(`add water plants ${phrase}`)
    expect(command).toMatchObject({ title: 'water plants', dueAt: local(first) })
    expect(command.recurrence).toEqual({ rrule, anchor: 'due', dtstart: first })
  })

  it('repeats from the completion with "every!"', () => {
    expect(add('add clean filter every! 2 weeks').recurrence).toMatchObject({
      rrule: 'FREQ=WEEKLY;INTERVAL=2',
      anchor: 'completion',
    })
  })

  it('keeps the words around the phrase as the title', () => {
    expect(add('add every monday at 8am take out the bins #home').title).toBe('take out the bins')
  })
})

describe('reminders', () => {
  it.each<[string, string, unknown[]]>([
    ['remind me to call mom tomorrow at 9am', 'call mom', [{ type: 'relative', offset: 'PT0S' }]],
    ['remind me tomorrow at 9am to call mom', 'call mom', [{ type: 'relative', offset: 'PT0S' }]],
    ['remind me in 30 minutes to stretch', 'stretch', [{ type: 'relative', offset: 'PT0S' }]],
    ['add dentist tomorrow at 3pm remind me 1h before', 'dentist', [{ type: 'relative', offset: '-PT1H' }]],
    ['add dentist tomorrow at 3pm, remind me 30m before', 'dentist', [{ type: 'relative', offset: '-PT30M' }]],
    ['add dentist tomorrow at 3pm and remind me 2 days before', 'dentist', [{ type: 'relative', offset: '-P2D' }]],
    ['add meds every morning remind 10 min before', 'meds', [{ type: 'relative', offset: '-PT10M' }]],
    ['add dentist tomorrow at 3pm remind at 9am', 'dentist', [{ type: 'absolute', at: local('2026-01-15T09:00:00') }]],
    ['add standup every weekday at 10:00 remind at 9:45', 'standup', [{ type: 'relative', offset: '-PT15M' }]],
    ['add call bob remind me tomorrow at 8am', 'call bob', [{ type: 'absolute', at: local('2026-01-15T08:00:00') }]],
  ])('reads "%s"', (message, title, reminders) => {
    expect(add(message)).toMatchObject({ title, reminders })
  })
})

describe('what is in doubt is asked, never guessed', () => {
  it.each<[string, RegExp]>([
    ['add', /What shall I add/],
    ['add tomorrow at 5pm', /called/],
    ['add read every book by Asimov', /"every book by Asimov".*repetition/],
    ['add howl every full moon', /repetition/],
    ['add gym every tuseday', /repetition/],
    ['add ping every minute', /too often/],
    ['add ping every 30 minutes', /too often/],
    ['add ping every second', /too often/],
    ['add x every 0 days', /between 1 and 999/],
    ['add x every 1000 days', /between 1 and 999/],
    ['add x every second friday', /every other friday.*2nd friday/],
    ['add x every 3rd day', /every 3 days.*3rd of the month/],
    ['add x every 32nd', /no "32nd"/],
    ['add x every 6th friday', /no "6th friday"/],
    ['add x every feb 30', /not in the calendar/],
    ['add x every 15th and 3rd friday', /one rule/],
    ['add x every day at 5', /5am or 5pm/],
    ['add x every day except sunday', /except/],
    ['add x every day and every week', /more than one repetition/],
    ['add x every day until yesterday', /past/],
    ['add x every monday until 2026-01-16', /before it first occurs/],
    ['add x every day starting blursday', /start "blursday"/],
    ['add sync biweekly', /every 2 weeks/],
    ['add Friday report', /part of the title/],
    ['add call at 5', /5am or 5pm/],
    ['add call tomorrow at 25:00', /not a (?:date or )?time/],
    ['add meeting 1/2', /day\/month or month\/day/],
    ['add meeting 2026-02-30', /calendar/],
    ['add meeting feb 30', /calendar/],
    ['add meeting yesterday', /in the past/],
    ['add meeting 2020-01-01', /in the past/],
    ['add meeting from 2pm to 4pm tomorrow', /span/],
    ['add meeting tomorrow or on friday', /two dates/],
    ['add dentist tomorrow at 3pm remind at 5pm', /after the task is due/],
    ['add dentist remind me 1h before', /needs a due time/],
    ['remind me to stretch', /When shall I remind you/],
    ['complete', /Which task/],
    ['frobnicate the bar', /did not understand/],
    ['snooze 2 to tomorrow', /"snooze", which I cannot do/],
  ])('asks about "%s"', (message, question) => {
    const command = parse(message)
    expect(command.intent).toBe('unclear')
    expect(command.intent === 'unclear' ? command.question : '').toMatch(question)
  })
})

describe('lists', () => {
  it.each<[string, Partial<ListCommand>]>([
    ['list', { status: 'open' }],
    ['list all my tasks', { status: 'open' }],
    ['my tasks', { status: 'open' }],
    ['what do I have today?', { due: { from: local('2026-01-14T00:00:00'), to: local('2026-01-15T00:00:00') } }],
    ["what's due tomorrow", { due: { from: local('2026-01-15T00:00:00'), to: local('2026-01-16T00:00:00') } }],
    ['list this week', { due: { from: local('2026-01-14T00:00:00'), to: local('2026-01-19T00:00:00') } }],
    ['list on friday', { due: { from: local('2026-01-16T00:00:00'), to: local('2026-01-17T00:00:00') } }],
    ['show overdue', { due: { to: '2026-01-14T09:00:00.000Z' } }],
    ['show completed tasks', { status: 'completed' }],
    ['list #home', { tag: 'home' }],
    ['list high priority', { priority: 'HIGH' }],
    ['list about milk', { words: 'milk' }],
    ['search dentist bill', { words: 'dentist bill' }],
  ])('reads "%s"', (message, expected) => {
    expect(parse(message)).toMatchObject({ intent: 'list', ...expected })
  })
})

describe('references', () => {
  it.each<[string, string, unknown[]]>([
    ['complete #2', 'complete', [{ by: 'number', position: 2 }]],
    ['complete the second one', 'complete', [{ by: 'number', position: 2 }]],
    ['mark 2 as done', 'complete', [{ by: 'number', position: 2 }]],
    ['done with 3', 'complete', [{ by: 'number', position: 3 }]],
    ['finish the last one', 'complete', [{ by: 'last' }]],
    ['complete it', 'complete', [{ by: 'recent' }]],
    ['finish buy milk', 'complete', [{ by: 'words', words: 'buy milk' }]],
    ['i finished buy milk', 'complete', [{ by: 'words', words: 'buy milk' }]],
    ['reopen 1', 'reopen', [{ by: 'number', position: 1 }]],
    ['mark "buy milk" as not done', 'reopen', [{ by: 'quote', title: 'buy milk' }]],
    ['delete "buy milk"', 'delete', [{ by: 'quote', title: 'buy milk' }]],
    [
      'delete "a" and "b"',
      'delete',
      [
        { by: 'quote', title: 'a' },
        { by: 'quote', title: 'b' },
      ],
    ],
    [
      'delete 1 and 3',
      'delete',
      [
        { by: 'number', position: 1 },
        { by: 'number', position: 3 },
      ],
    ],
    ['remove #2-4', 'delete', [2, 3, 4].map((position) => ({ by: 'number', position }))],
    ['delete bread and butter', 'delete', [{ by: 'words', words: 'bread and butter' }]],
    ['delete all', 'delete', [{ by: 'all' }]],
    ['delete 0198f3a2-1111', 'delete', [{ by: 'id', prefix: '0198f3a2-1111' }]],
  ])('reads "%s"', (message, intent, references) => {
    expect(parse(message)).toEqual({ intent, references })
  })

  it.each<[string, Command]>([
    ['2', { intent: 'choose', position: 2 }],
    ['the second one', { intent: 'choose', position: 2 }],
    ['yes', { intent: 'confirm' }],
    ['No.', { intent: 'cancel' }],
    ['never mind', { intent: 'cancel' }],
    ['help', { intent: 'help' }],
  ])('takes "%s" for an answer', (message, command) => {
    expect(parse(message)).toEqual(command)
  })
})
