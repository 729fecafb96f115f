import { expect, it } from 'vitest'
import { environmentOf } from './image-environment.ts'

it('reads quoted and plain values, over several lines', () => {
  const dockerfile = 'FROM node\nENV NODE_ENV=production NODE_OPTIONS="--a=1 --b" \\\n    OTHER=x\nUSER 1\nENV LATE=y\n'
  expect(environmentOf(dockerfile)).toEqual({
    NODE_ENV: 'production',
    NODE_OPTIONS: '--a=1 --b',
    OTHER: 'x',
    LATE: 'y',
  })
})
