import { z } from 'zod'
import { HttpProblem } from '../../lib/http-errors.ts'
import { instantField } from '../../lib/task/fields.ts'

/** Where a page ended: the sort value of its last row (null for "no due time") and its id. */
export interface Cursor {
  readonly sort: string
  readonly value: string | null
  readonly id: string
}

const cursorSchema = z.tuple([z.string().max(32), instantField.nullable(), z.uuid()])

/** Opaque text for clients; base64url so that it needs no escaping in a query. */
export function encodeCursor({ sort, value, id }: Cursor): string {
  return Buffer.from(JSON.stringify([sort, value, id])).toString('base64url')
}

/** The inverse of {@link encodeCursor}; INVALID_INPUT for anything else, also for a cursor of another sort order. */
export function decodeCursor(text: string, sort: string): Cursor {
  let parsed: unknown
  try {
    parsed = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
  } catch {
    throw invalid('is not a cursor of this API; pass on nextCursor as it is')
  }
  const result = cursorSchema.safeParse(parsed)
  if (!result.success) throw invalid('is not a cursor of this API; pass on nextCursor as it is')
  if (result.data[0] !== sort) throw invalid(`belongs to sort=${result.data[0]}; keep the sort order from page to page`)
  return { sort, value: result.data[1], id: result.data[2] }
}

function invalid(message: string): HttpProblem {
  return new HttpProblem('INVALID_INPUT', `query.cursor ${message}`, { errors: [{ path: 'query.cursor', message }] })
}
