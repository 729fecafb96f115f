import { describe, expect, test } from 'vitest'
import { createLogger } from './logger.ts'
import { runInContext } from './request-context.ts'

const setUp = () => {
  const lines: Record<string, unknown>[] = []
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) }
  const identity = { service: 'todo-audit', system: 'todo', version: '0.1.0', pod: 'todo-audit-1' }
  return { lines, logger: createLogger({ ...identity, level: 'info', destination }) }
}

describe('log lines', () => {
  test('carry time, level, service and the ids of what is running', () => {
    const { lines, logger } = setUp()
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    runInContext({ requestId: 'r', correlationId: 'c', traceparent }, () => logger.warn({ taskId: 't' }, 'hello'))
    expect(lines[0]).toMatchObject({
      level: 'warn',
      service: 'todo-audit',
      system: 'todo',
      pod: 'todo-audit-1',
      requestId: 'r',
      correlationId: 'c',
      traceId: '0af7651916cd43dd8448eb211c80319c',
      taskId: 't',
      msg: 'hello',
    })
    expect(new Date(String(lines[0]?.['time'])).toISOString()).toBe(lines[0]?.['time'])
  })

  test('hide secrets wherever objects are logged', () => {
    const { lines, logger } = setUp()
    logger.info({ password: 'hunter2', user: { token: 'hunter2', email: 'hunter2' } }, 'a')
    logger.info({ req: { headers: { authorization: 'Bearer hunter2' } }, headers: { cookie: 'hunter2' } }, 'b')
    expect(JSON.stringify(lines)).not.toContain('hunter2')
  })

  test('follow a level that is changed while running', () => {
    const { lines, logger } = setUp()
    logger.debug('not yet')
    logger.level = 'debug'
    logger.debug('now')
    expect(lines.map(({ msg }) => msg)).toEqual(['now'])
  })
})
