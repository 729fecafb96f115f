import { describe, expect, test } from 'vitest'
import { catalogue, finding, messageOf, worst } from './errors.ts'

describe('the catalogue of reasons', () => {
  test('has a code of its own for every reason', () => {
    const codes = Object.values(catalogue).map(({ code }) => code)
    expect(new Set(codes).size).toBe(codes.length)
  })

  test('has a remedy that ends as a sentence for everything that can go wrong', () => {
    for (const { remedy, severity } of Object.values(catalogue))
      if (severity !== 'Progress') expect(remedy).toMatch(/\.$/)
  })
})

describe('messages', () => {
  test('say what is the case and what to do, and name the pod in the command', () => {
    const message = messageOf(finding('CrashLoop', 'Pod/todo-audit-1', 'container audit keeps ending'))
    expect(message).toBe(
      'Pod/todo-audit-1: container audit keeps ending. kubectl logs todo-audit-1 -c <container> --previous.',
    )
  })
  test('of mere progress need no remedy', () => {
    expect(messageOf(finding('Starting', 'StatefulSet/x', 'is starting'))).toBe('StatefulSet/x: is starting')
  })
})

test('the worst finding wins, and of equally bad ones the first', () => {
  const progress = finding('Starting', 'a', '')
  const problem = finding('CrashLoop', 'b', '')
  const terminal = finding('TopicConflict', 'c', '')
  expect(worst([progress, problem, undefined, finding('NotReady', 'd', '')])).toBe(problem)
  expect(worst([problem, terminal, progress])).toBe(terminal)
  expect(worst([undefined])).toBeUndefined()
})
