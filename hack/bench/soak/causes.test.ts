import { describe, expect, it } from 'vitest'
import type { RecordedWrite } from '../api-audit-log.ts'
import { unexplained } from './causes.ts'
import type { Cause } from './causes.ts'

const write = (resource: string, name: string, receivedAt: number): RecordedWrite => ({
  ...{ verb: 'patch', resource, subresource: '', namespace: 'a', name, user: 'operator', userAgent: '', status: 200 },
  receivedAt,
  completedAt: receivedAt + 1,
})
const cause = (at: number, ...objects: string[]): Cause => ({ system: 'a/one', at, objects: new Set(objects) })
const deployment = 'deployments/a/one-audit'

describe('unexplained', () => {
  it('takes one write of each object that a cause changes', () => {
    expect(unexplained([write('deployments', 'one-audit', 20)], [cause(10, deployment)], [])).toEqual([])
  })

  it('finds the second write of one cause', () => {
    const second = write('deployments', 'one-audit', 30)
    expect(unexplained([write('deployments', 'one-audit', 20), second], [cause(10, deployment)], [])).toEqual([second])
  })

  it('finds a write before its cause, and one of an object that the cause does not change', () => {
    const early = write('deployments', 'one-audit', 5)
    const other = write('services', 'one-audit', 20)
    expect(unexplained([early, other], [cause(10, deployment)], [])).toEqual([early, other])
  })

  it('takes a repeated write when an answer may have been lost in between', () => {
    const writes = [write('deployments', 'one-audit', 20), write('deployments', 'one-audit', 30)]
    expect(unexplained(writes, [cause(10, deployment)], [{ from: 21, to: 25 }])).toEqual([])
  })

  it('takes two statuses per cause and no third', () => {
    const third = write('todochatbots', 'one', 40)
    const writes = [write('todochatbots', 'one', 20), write('todochatbots', 'one', 30), third]
    expect(unexplained(writes, [cause(10)], [])).toEqual([third])
  })

  it('finds a status of a system that nobody touched, also after a fault', () => {
    const status = write('todochatbots', 'two', 20)
    expect(unexplained([status], [cause(10)], [{ from: 12, to: 15 }])).toEqual([status])
  })
})
