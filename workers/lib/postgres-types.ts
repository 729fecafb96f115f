import pg from 'pg'

/** Type oids of PostgreSQL's pg_type.dat. */
const oid = { int8: 20, date: 1082, timestamp: 1114, numeric: 1700 }

const builtin = pg.types.getTypeParser as (type: number, format?: 'text' | 'binary') => (value: string) => unknown

/** int8 as a number while that is exact; beyond 2^53 an error, because a rounded sequence number is a wrong one. */
const int8 = (text: string): number => {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`int8 ${text} does not fit a JavaScript number`)
  return value
}

/**
 * How column values arrive: bigint as an exact number, numeric as a string (exact), timestamptz as a Date (an instant,
 * milliseconds), `date` and `timestamp` as strings (they name no instant), json as parsed JSON. Writing: pass Dates for
 * timestamptz, and `JSON.stringify` for jsonb arrays (node-postgres would send a JavaScript array as a PostgreSQL one).
 */
export const typeParsers: pg.CustomTypesConfig = {
  getTypeParser: (type: number, format?: 'text' | 'binary'): ((value: string) => unknown) => {
    if (format !== 'binary') {
      if (type === oid.int8) return int8
      if (type === oid.date || type === oid.timestamp || type === oid.numeric) return (text) => text
    }
    return builtin(type, format)
  },
}
