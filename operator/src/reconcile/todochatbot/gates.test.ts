import { describe, expect, test } from 'vitest'
import { finding } from '../errors.ts'
import { gatesFor, type Prerequisites } from './gates.ts'

const ready: Prerequisites = {
  database: undefined,
  migration: undefined,
  stateStore: undefined,
  kafka: undefined,
  topics: undefined,
  dapr: undefined,
  secrets: undefined,
  consumers: undefined,
  fence: undefined,
  chatApiIsNew: false,
  frozen: undefined,
}
const all = ['Settings', 'Foundation', 'Dependencies', 'Dapr', 'Migration', 'Consumers', 'ChatApi']
const not = finding('Starting', 'StatefulSet/x', 'is starting')

describe('gates', () => {
  test.each([
    { name: 'everything ready opens every gate', given: {}, open: all, held: undefined },
    {
      name: 'a database that is away holds migration and workers',
      given: { database: not },
      open: all.slice(0, 4),
      held: 'Migration',
    },
    {
      name: 'an unfinished migration holds the workers',
      given: { migration: not },
      open: all.slice(0, 5),
      held: 'Consumers',
    },
    {
      name: 'a state store that is away holds the workers',
      given: { stateStore: not },
      open: all.slice(0, 5),
      held: 'Consumers',
    },
    { name: 'brokers that are away hold the workers', given: { kafka: not }, open: all.slice(0, 5), held: 'Consumers' },
    { name: 'missing topics hold the workers', given: { topics: not }, open: all.slice(0, 5), held: 'Consumers' },
    {
      name: 'a cluster without Dapr gets dependencies and migrations, but no workers',
      given: { dapr: not },
      open: ['Settings', 'Foundation', 'Dependencies', 'Migration'],
      held: 'Dapr',
    },
    {
      name: 'a missing Secret holds the components that refer to it',
      given: { secrets: not },
      open: ['Settings', 'Foundation', 'Dependencies', 'Migration', 'Consumers', 'ChatApi'],
      held: 'Dapr',
    },
    {
      name: 'a first chat-api waits for the consumers',
      given: { consumers: not, chatApiIsNew: true },
      open: all.slice(0, 6),
      held: 'ChatApi',
    },
    { name: 'a chat-api of the same version does not', given: { consumers: not }, open: all, held: undefined },
    {
      name: 'a refused edit is carried out nowhere',
      given: { frozen: { because: not, settings: false } },
      open: [],
      held: 'Foundation',
    },
    {
      name: 'a pause lets running pods take settings over, and nothing else',
      given: { frozen: { because: not, settings: true } },
      open: ['Settings'],
      held: 'Foundation',
    },
  ])('$name', ({ given, open, held }) => {
    const gates = gatesFor({ ...ready, ...given })
    expect([...gates.open]).toEqual(open)
    expect(gates.held?.stage).toBe(held)
    expect(gates.held?.by).toEqual(held === undefined ? undefined : not)
  })
})
