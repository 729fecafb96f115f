import { expect, test } from 'vitest'
import { KubeError } from '../../kube/kube-error.ts'
import { found, passed, type CheckFamily, type CheckSubject } from './check.ts'
import { runRound } from './round.ts'

test.each([
  [
    'the API server is away',
    new KubeError({ status: 0, reason: 'Unreachable', message: 'no answer' }),
    passed('resource-use'),
  ],
  ['it answered that it may not', new Error('forbidden'), found('resource-use', 'Unknown', 'forbidden')],
])('a check that could not be done because %s', async (_, error, outcome) => {
  const family: CheckFamily = { names: ['resource-use'], check: () => Promise.reject(error) }
  const before = [passed('resource-use')]
  const round = await runRound([family], {} as CheckSubject, 1_000, new AbortController().signal, before)
  expect(round.outcomes).toEqual([outcome])
})
